"""Metrics of outlier detection: how well a score separates two sets of examples.

Letters: N scores of in-distribution examples ("inside"), which are the positives, and M
scores of out-of-distribution examples ("outside"). A higher score means more likely.
"""

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.metrics import intervals

TRUE_POSITIVES = 0.95


def auroc(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes the area under the ROC curve.

    It is the probability that an inside example scores above an outside one; a tie
    counts half.

    Args:
      inside: float [N] scores of in-distribution examples.
      outside: float [M] scores of out-of-distribution examples.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_labelled(inside, outside)))


def auroc_interval(inside: ArrayLike, outside: ArrayLike) -> list[float]:
    """Computes the 95% interval of `auroc` from DeLong's (1988) variance.

    Returns:
      [low, high]; [0, 1] if N or M is 1.
    """
    import scipy.stats

    n, m = np.size(inside), np.size(outside)
    if min(n, m) < 2:
        return [0.0, 1.0]
    rank = scipy.stats.rankdata
    ranks = rank(np.concatenate([inside, outside]))
    below = (ranks[:n] - rank(inside)) / m  # share of outside below each inside
    above = 1 - (ranks[n:] - rank(outside)) / n  # share of inside above each outside
    deviation = np.sqrt(np.var(below, ddof=1) / n + np.var(above, ddof=1) / m)
    half = scipy.stats.norm.ppf(0.975) * deviation
    return [float(np.clip(below.mean() + side * half, 0, 1)) for side in (-1, 1)]


def aupr(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes the area under the precision-recall curve as average precision.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*_labelled(inside, outside)))


def fpr95(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes the false positive rate at a true positive rate of 95%.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(*_labelled(inside, outside), drop_intermediate=False)
    return float(false[np.argmax(true >= TRUE_POSITIVES)])


def sampled_intervals(
    inside: ArrayLike, outside: ArrayLike, *, seed: int = 0
) -> dict[str, list[float]]:
    """Computes the 95% bootstrap intervals of `aupr` and `fpr95`.

    Both sets are resampled. A resample is kept as how often each example is in it, so
    that the scores need sorting only once.

    Args:
      inside: float [N].
      outside: float [M].
      seed: of the draws.

    Returns:
      {"aupr": [low, high], "fpr95": [low, high]}.
    """
    scores = np.concatenate([inside, outside])
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of each run of equal scores
    generator, n, m = np.random.default_rng(seed), np.size(inside), np.size(outside)
    rows = []
    for _ in range(intervals.RESAMPLES):
        inside_counts = np.append(_draw_counts(generator, n), np.zeros(m))
        outside_counts = np.append(np.zeros(n), _draw_counts(generator, m))
        true = np.cumsum(inside_counts[order])[last]
        false = np.cumsum(outside_counts[order])[last]
        precision = true / np.maximum(true + false, 1)
        threshold = np.argmax(true >= TRUE_POSITIVES * n)
        recall_gains = np.diff(true, prepend=0) / n
        rows.append([np.sum(recall_gains * precision), false[threshold] / m])
    ends = [intervals.percentile_interval(values) for values in np.transpose(rows)]
    return dict(zip(("aupr", "fpr95"), ends, strict=True))


def _draw_counts(generator: np.random.Generator, n: int) -> np.ndarray:
    """How often each of n examples is in a resample of n."""
    return np.bincount(generator.integers(0, n, n), minlength=n)


def _labelled(inside: ArrayLike, outside: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(1 for inside and 0 for outside, the scores), both [N + M]."""
    truth = np.concatenate([np.ones(np.size(inside)), np.zeros(np.size(outside))])
    return truth, np.concatenate([inside, outside])
