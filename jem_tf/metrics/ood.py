"""Metrics of outlier detection: how well a score separates two sets of examples.

Letters: N scores of in-distribution examples ("inside"), which are the positives, and M
scores of out-of-distribution examples ("outside"). A higher score means more likely.
Where a score is not finite, no measure is: it is NaN.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.metrics import intervals

TRUE_POSITIVES = 0.95


def are_finite(*scores: ArrayLike) -> bool:
    """Returns whether all scores are finite."""
    return all(np.isfinite(some).all() for some in scores)


def _of_finite(measure: Callable[[ArrayLike, ArrayLike], float]) -> Callable:
    """Makes a measure NaN where a score is not finite."""

    @functools.wraps(measure)
    def measured(inside: ArrayLike, outside: ArrayLike) -> float:
        return measure(inside, outside) if are_finite(inside, outside) else math.nan

    return measured


@_of_finite
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
    """Computes the 95% interval of `auroc`, as `mean_auroc_interval` does.

    Returns:
      [low, high]; [0, 1] if N or M is 1.
    """
    return mean_auroc_interval([inside], [outside])


def mean_auroc_interval(
    inside: Sequence[ArrayLike], outside: Sequence[ArrayLike]
) -> list[float]:
    """Computes the 95% interval of the mean `auroc` over sets of outliers.

    The sets are independent, and the inside examples are the same for all: DeLong's
    (1988) variance of a mean of correlated areas, with the interval symmetric on the
    scale of log(A / (1 - A)), which holds the truth near A = 1, too (Pepe 2003, "The
    Statistical Evaluation of Medical Tests for Classification and Prediction"). Where
    the sets separate, A = 1, the n = min(N, M) disjoint pairs have no error either,
    which gives the exact interval [0.025^(1/n), 1]. An A of almost 1 is no surer than
    that: its low end is no higher. The same of A near 0.

    Args:
      inside: for each set, float [N] scores of the same examples.
      outside: for each set, float [M] scores of its examples, M its own.

    Returns:
      [low, high]; [0, 1] if N or an M is 1.
    """
    import scipy.special
    import scipy.stats

    if not are_finite(*inside, *outside):
        return [math.nan, math.nan]
    if min(map(np.size, [*inside, *outside])) < 2:
        return [0.0, 1.0]
    pairs = [_placements(*pair) for pair in zip(inside, outside, strict=True)]
    below = np.mean([low for low, _ in pairs], axis=0)
    variance = np.var(below, ddof=1) / len(below)
    for _, above in pairs:
        variance += np.var(above, ddof=1) / len(above) / len(pairs) ** 2
    area = float(below.mean())
    low = high = area
    if 0 < area < 1:
        half = scipy.stats.norm.ppf(0.975) * np.sqrt(variance) / (area * (1 - area))
        middle = scipy.special.logit(area)
        low, high = map(float, scipy.special.expit([middle - half, middle + half]))
    end = 0.025 ** (1 / min(map(np.size, [*inside, *outside])))
    if area > end:
        low = min(low, end)
    if area < 1 - end:
        high = max(high, 1 - end)
    return [low, high]


def _placements(inside: ArrayLike, outside: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(share of outside below each inside, share of inside above each outside)."""
    import scipy.stats

    n, m = np.size(inside), np.size(outside)
    rank = scipy.stats.rankdata
    ranks = rank(np.concatenate([inside, outside]))
    return (ranks[:n] - rank(inside)) / m, 1 - (ranks[n:] - rank(outside)) / n


@_of_finite
def aupr(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes the area under the precision-recall curve as average precision.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*_labelled(inside, outside)))


@_of_finite
def fpr95(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes the false positive rate at a true positive rate of 95%.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(*_labelled(inside, outside), drop_intermediate=False)
    return float(false[np.argmax(true >= TRUE_POSITIVES)])


def aupr_out(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes `aupr` with the outside examples as the positives.

    Returns:
      A float in [0, 1].
    """
    return aupr(-np.asarray(outside), -np.asarray(inside))


def fpr95_out(inside: ArrayLike, outside: ArrayLike) -> float:
    """Computes `fpr95` with the outside examples as the positives.

    It is the share of inside examples that are refused where 95% of the outside ones
    are.

    Returns:
      A float in [0, 1].
    """
    return fpr95(-np.asarray(outside), -np.asarray(inside))


def sampled_intervals(
    inside: ArrayLike,
    outside: ArrayLike,
    known: Mapping[str, float],
    *,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Computes 95% intervals of `aupr`, `fpr95` and their twins by the bootstrap.

    Both sets are resampled. A resample is kept as how often each example is in it, so
    that the scores need sorting only once. The interval of a rate of 0 or 1 holds
    Wilson's, too, and all hold the number itself.

    Args:
      inside: float [N].
      outside: float [M].
      known: {"aupr": of these scores, "fpr95": ..., "aupr_out": ..., "fpr95_out": ...}.
      seed: of the draws.

    Returns:
      {"aupr": [low, high], "fpr95": ..., "aupr_out": ..., "fpr95_out": ...}.
    """
    names = ("aupr", "fpr95", "aupr_out", "fpr95_out")
    if not are_finite(inside, outside):
        return {name: [math.nan, math.nan] for name in names}
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
        reverse = [x[-1] - np.append(0, x[:-1])[::-1] for x in (false, true)]
        rows.append(_precision_and_fpr(true, false) + _precision_and_fpr(*reverse))
    ends = [intervals.percentile_interval(values) for values in np.transpose(rows)]
    found = dict(zip(names, ends, strict=True))
    for name, size in (("fpr95", m), ("fpr95_out", n)):
        found[name] = intervals.widen_share(known[name], size, found[name])
    return {
        name: [max(0.0, min(low, known[name])), min(1.0, max(high, known[name]))]
        for name, (low, high) in found.items()
    }


def _precision_and_fpr(true: np.ndarray, false: np.ndarray) -> list[float]:
    """[average precision, FPR at 95% TPR] of cumulative counts by falling threshold."""
    precision = true / np.maximum(true + false, 1)
    recall_gains = np.diff(true, prepend=0) / true[-1]
    threshold = np.argmax(true >= TRUE_POSITIVES * true[-1])
    return [np.sum(recall_gains * precision), false[threshold] / false[-1]]


def _draw_counts(generator: np.random.Generator, n: int) -> np.ndarray:
    """How often each of n examples is in a resample of n."""
    return np.bincount(generator.integers(0, n, n), minlength=n)


def _labelled(inside: ArrayLike, outside: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(1 for inside and 0 for outside, the scores), both [N + M]."""
    truth = np.concatenate([np.ones(np.size(inside)), np.zeros(np.size(outside))])
    return truth, np.concatenate([inside, outside])
