"""95% confidence intervals of numbers that were measured on a sample."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Statistic = TypeVar("Statistic")  # a float, or a tuple of them
CONFIDENCE = 0.95
RESAMPLES = 200


def proportion(hits: float, n: int) -> list[float]:
    """Computes Wilson's (1927) interval of a proportion, such as an accuracy.

    Args:
      hits: how many of the n; a float is rounded.
      n: at least 1.

    Returns:
      [low, high] in [0, 1].
    """
    import scipy.stats

    exact = scipy.stats.binomtest(round(float(hits)), n)
    interval = exact.proportion_ci(CONFIDENCE, method="wilson")
    return [float(interval.low), float(interval.high)]


def widen_share(share: float, n: int, interval: list[float]) -> list[float]:
    """Widens a bootstrap interval of a share of n to hold `proportion`'s at 0 and 1.

    All resamples of n that are alike are alike, so that theirs has no width there.

    Returns:
      [low, high]; the interval itself for a share between 0 and 1.
    """
    if share not in (0.0, 1.0):
        return interval
    ends = [*interval, *proportion(share * n, n)]
    return [min(ends), max(ends)]


def bootstrap(
    statistic: Callable[..., float], *samples: np.ndarray, seed: int = 0
) -> list[float]:
    """Computes Efron's (1979) percentile interval of statistic(*samples).

    Args:
      statistic, *samples, seed: as of `resample`.

    Returns:
      [low, high].
    """
    return percentile_interval(resample(statistic, *samples, seed=seed))


def resample(
    statistic: Callable[..., Statistic], *samples: np.ndarray, seed: int = 0
) -> list[Statistic]:
    """Computes statistic(*samples) of RESAMPLES resamples.

    Args:
      statistic: a function of arrays like the samples.
      *samples: arrays [N, ...]. Each is resampled independently of the others.
      seed: of the draws.

    Returns:
      [RESAMPLES] values.
    """
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(RESAMPLES):
        resamples = [
            sample[generator.integers(0, len(sample), len(sample))]
            for sample in samples
        ]
        values.append(statistic(*resamples))
    return values


def resample_counts(n: int, *, seed: int = 0) -> np.ndarray:
    """Draws RESAMPLES resamples of n examples, as how often each example is in one.

    The draws are those of `bootstrap` for one sample.

    Returns:
      float32 [RESAMPLES, n], whose rows sum to n.
    """
    generator = np.random.default_rng(seed)
    rows = [
        np.bincount(generator.integers(0, n, n), minlength=n) for _ in range(RESAMPLES)
    ]
    return np.stack(rows).astype("float32")


def percentile_interval(values: Sequence[float] | np.ndarray) -> list[float]:
    """Computes the [low, high] that CONFIDENCE of the values lie between.

    Equally many values are below and above.
    """
    tail = 50 * (1 - CONFIDENCE)
    return [float(end) for end in np.percentile(values, [tail, 100 - tail])]


def basic_interval(
    value: float,
    resampled: Sequence[float] | np.ndarray,
    *,
    lowest: float = 0.0,
    by_chance: Sequence[float] | np.ndarray | None = None,
) -> list[float]:
    """Computes the basic bootstrap interval of a number that has a lowest value.

    It is [2 v - high, 2 v - low] of `percentile_interval`'s ends (Davison & Hinkley
    1997, "Bootstrap Methods and their Application", equation 2.10). A number such as
    ECE, which is biased upward on N images, is biased once more on resamples of them,
    so that their percentiles lie above the truth; here that bias is taken off. It is
    less than the first, most so where the truth is 0; `by_chance` makes up for it.

    Args:
      value: v, the number on the sample.
      resampled: the number on resamples of it.
      lowest: the interval is cut here; -math.inf for a number of either sign.
      by_chance: the number on draws of as many examples under which the truth is 0.
        The low end is at most v less what 97.5% of them are below, and so 0 where
        chance alone makes as much as v (the consistency resampling of Broecker & Smith
        2007, Weather and Forecasting 22).

    Returns:
      [low, high], which need not hold v; NaN where v is.
    """
    low, high = percentile_interval(resampled)
    ends = np.array([2 * value - high, 2 * value - low])
    if by_chance is not None:
        ends[0] = np.minimum(ends[0], value - percentile_interval(by_chance)[1])
    return np.maximum(ends, lowest).tolist()
