"""How well a score tells in-distribution from out-of-distribution examples."""

import numpy as np


def auroc(inside, outside):
    """The probability that one from inside scores above one from outside, ties half.

    Args:
      inside: float [N] scores of in-distribution examples, higher meaning likelier.
      outside: float [M] scores of out-of-distribution examples.

    Returns:
      A float in [0, 1].
    """
    from sklearn.metrics import roc_auc_score

    truth = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))
