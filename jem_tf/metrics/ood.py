"""How well a score tells in-distribution from out-of-distribution examples.

Letters: N scores from inside, M from outside, higher meaning likelier. In-distribution
examples are the positives.
"""

import numpy as np

from jem_tf.metrics import intervals

TRUE_POSITIVES = 0.95


def auroc(inside, outside):
    """The probability that one from inside scores above one from outside, ties half.

    Args:
      inside: float [N] scores of in-distribution examples, higher meaning likelier.
      outside: float [M] scores of out-of-distribution examples.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_labelled(inside, outside)))


def auroc_interval(inside, outside):
    """The 95% interval of `auroc` by DeLong's (1988) variance -> [low, high]."""
    import scipy.stats

    n, m = len(inside), len(outside)
    if min(n, m) < 2:
        return [0.0, 1.0]
    rank = scipy.stats.rankdata
    together = rank(np.concatenate([inside, outside]))
    below = (together[:n] - rank(inside)) / m  # for each inside, outside ones below
    above = 1 - (together[n:] - rank(outside)) / n
    deviation = np.sqrt(np.var(below, ddof=1) / n + np.var(above, ddof=1) / m)
    half = scipy.stats.norm.ppf(0.975) * deviation
    return [float(np.clip(below.mean() + side * half, 0, 1)) for side in (-1, 1)]


def aupr(inside, outside):
    """The area under precision over recall, as average precision, in [0, 1]."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*_labelled(inside, outside)))


def fpr95(inside, outside):
    """The share of outside ones let in where 95% of the inside ones are, in [0, 1]."""
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(*_labelled(inside, outside), drop_intermediate=False)
    return float(false[np.argmax(true >= TRUE_POSITIVES)])


def sampled_intervals(inside, outside, *, seed=0):
    """The 95% bootstrap intervals of `aupr` and `fpr95`, both sets drawn from anew.

    A draw is how often each example is in it, so that scores are sorted only once.

    Args:
      inside, outside: float [N], float [M].
      seed: int.

    Returns:
      {"aupr": [low, high], "fpr95": [low, high]}.
    """
    scores = np.concatenate([inside, outside])
    order = np.argsort(-scores, kind="stable")
    falls = np.append(np.diff(scores[order]) != 0, True)  # the last of equal scores
    generator, n, m = np.random.default_rng(seed), len(inside), len(outside)
    found = []
    for _ in range(intervals.RESAMPLES):
        drawn_in = np.append(_drawn(generator, n), np.zeros(m))
        drawn_out = np.append(np.zeros(n), _drawn(generator, m))
        true = np.cumsum(drawn_in[order])[falls]
        false = np.cumsum(drawn_out[order])[falls]
        precision = true / np.maximum(true + false, 1)
        enough = np.argmax(true >= TRUE_POSITIVES * n)
        gained = np.diff(true, prepend=0) / n
        found.append([np.sum(gained * precision), false[enough] / m])
    ends = [intervals.middle(values) for values in np.transpose(found)]
    return dict(zip(("aupr", "fpr95"), ends, strict=True))


def _drawn(generator, n):
    return np.bincount(generator.integers(0, n, n), minlength=n)


def _labelled(inside, outside):
    truth = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    return truth, np.concatenate([inside, outside])
