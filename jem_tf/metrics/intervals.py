"""How far a number measured on a sample may be off: 95% confidence intervals."""

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 200


def proportion(hits, n):
    """Wilson's (1927) interval of a share, such as an accuracy.

    Args:
      hits: how many of n; an int, or a float that is rounded.
      n: int, at least 1.

    Returns:
      [low, high], floats in [0, 1].
    """
    import scipy.stats

    exact = scipy.stats.binomtest(round(float(hits)), n)
    interval = exact.proportion_ci(CONFIDENCE, method="wilson")
    return [float(interval.low), float(interval.high)]


def bootstrap(statistic, *samples, seed=0):
    """Efron's (1979) percentile interval of statistic(*samples), by RESAMPLES draws.

    Args:
      statistic: a function of arrays like the samples -> float.
      samples: arrays [N, ...], each drawn from anew on its own.
      seed: int.

    Returns:
      [low, high], floats.
    """
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        drawn = [
            sample[generator.integers(0, len(sample), len(sample))]
            for sample in samples
        ]
        found.append(statistic(*drawn))
    return middle(found)


def middle(values):
    """[low, high], between which CONFIDENCE of the values lie, as many on each side."""
    tail = 50 * (1 - CONFIDENCE)
    return [float(end) for end in np.percentile(values, [tail, 100 - tail])]
