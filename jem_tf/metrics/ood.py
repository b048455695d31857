"""Metrics of outlier detection: how well a score separates two sets of examples.

Letters: N scores of in-distribution examples ("inside"), which are the positives, and M
scores of out-of-distribution examples ("outside"). A higher score means more likely.
Where a score is not finite, or a set is empty, a measure is NaN.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

TRUE_POSITIVES = 0.95


def are_finite(*scores: ArrayLike) -> bool:
    """Returns whether all scores are finite."""
    return all(np.isfinite(some).all() for some in scores)


def _of_finite(measure: Callable[[ArrayLike, ArrayLike], float]) -> Callable:
    """Makes a measure NaN where a score is not finite, or a set empty."""

    @functools.wraps(measure)
    def measured(inside: ArrayLike, outside: ArrayLike) -> float:
        defined = np.size(inside) and np.size(outside) and are_finite(inside, outside)
        return measure(inside, outside) if defined else math.nan

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


def _labelled(inside: ArrayLike, outside: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(1 for inside and 0 for outside, the scores), both [N + M]."""
    truth = np.concatenate([np.ones(np.size(inside)), np.zeros(np.size(outside))])
    return truth, np.concatenate([inside, outside])
