"""95% intervals of the metrics of outlier detection in `metrics.ood`.

Letters are those of that module. Where a score is not finite, both ends are NaN.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.metrics import intervals
from jem_tf.metrics.ood import TRUE_POSITIVES, are_finite


def auroc_interval(inside: ArrayLike, outside: ArrayLike) -> list[float]:
    """Computes the 95% interval of `ood.auroc`, as `mean_auroc_interval` does.

    Returns:
      [low, high]; [0, 1] if N or M is 1.
    """
    return mean_auroc_interval([inside], [outside])


def mean_auroc_interval(
    inside: Sequence[ArrayLike], outside: Sequence[ArrayLike]
) -> list[float]:
    """Computes the 95% interval of the mean `ood.auroc` over sets of outliers.

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
    area, variance = _mean_area(inside, outside)
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


def _mean_area(
    inside: Sequence[ArrayLike], outside: Sequence[ArrayLike]
) -> tuple[float, float]:
    """(the mean AUROC, DeLong's variance of it)."""
    pairs = [_placements(*pair) for pair in zip(inside, outside, strict=True)]
    below = np.mean([low for low, _ in pairs], axis=0)
    variance = np.var(below, ddof=1) / len(below)
    for _, above in pairs:
        variance += np.var(above, ddof=1) / len(above) / len(pairs) ** 2
    return float(below.mean()), float(variance)


def _placements(inside: ArrayLike, outside: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(share of outside below each inside, share of inside above each outside)."""
    import scipy.stats

    n, m = np.size(inside), np.size(outside)
    rank = scipy.stats.rankdata
    ranks = rank(np.concatenate([inside, outside]))
    return (ranks[:n] - rank(inside)) / m, 1 - (ranks[n:] - rank(outside)) / n


def sampled_intervals(
    inside: ArrayLike,
    outside: ArrayLike,
    known: Mapping[str, float],
    *,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Computes 95% intervals of `ood.aupr`, `fpr95` and their twins by bootstrap.

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
