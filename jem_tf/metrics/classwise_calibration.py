"""Calibration of every class: how well p(y|x) matches how often y is the label.

Letters: N examples, K classes; logits float [N, K], labels int [N] in [0, K). ECE looks
at the largest probability alone; the errors here look at all K of them.
"""

import numpy as np
from numpy.typing import ArrayLike

from jem_tf.metrics import calibration
from jem_tf.metrics.calibration import BINS, Bins


def classwise_calibration_error(
    logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> float:
    """Computes the class-wise ECE: the mean over the classes of `class_errors`.

    Source: Kull et al. (NeurIPS 2019, section 2), and Nixon et al. (CVPR workshops
    2019, arXiv 1904.01685, section 4), who call it the static calibration error. Most
    of the N K probabilities are near 0, so that it is small where K is large.

    Returns:
      A float in [0, 1]; 0 if the model is calibrated.
    """
    return float(np.mean(class_errors(logits, labels, bins=bins)))


def adaptive_classwise_error(
    logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> float:
    """Computes the adaptive calibration error (ACE) of Nixon et al.

    For each class the N probabilities are divided into ranges of equally many; the
    error is the mean over classes and ranges of the gap between the mean probability
    and the share of the class (arXiv 1904.01685, section 4). Ranges differ by one
    example if N does not divide, and weigh as many as they hold.

    Returns:
      A float in [0, 1]; 0 if the model is calibrated.
    """
    probabilities, truth = calibration.one_vs_rest(logits, labels)
    order = np.argsort(probabilities, axis=0, kind="stable")
    gaps = np.take_along_axis(probabilities - truth, order, axis=0)
    ranges = np.array_split(gaps, bins)
    return float(np.mean(sum(np.abs(some.sum(axis=0)) for some in ranges)) / len(gaps))


def class_errors(
    logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> np.ndarray:
    """Computes the ECE of each class against the rest, over bins of equal width.

    Returns:
      float64 [K] in [0, 1]: the mean gap between p(y|x) and the share of y.
    """
    probabilities, truth = calibration.one_vs_rest(logits, labels)
    n, classes = probabilities.shape
    places = calibration.bin_places(probabilities, bins) + bins * np.arange(classes)
    gaps = np.bincount(
        places.ravel(), (probabilities - truth).ravel(), minlength=bins * classes
    )
    return np.abs(gaps).reshape(classes, bins).sum(axis=1) / n


def class_reliability(
    logits: ArrayLike, labels: ArrayLike, *, bins: int = BINS
) -> list[Bins]:
    """Computes a reliability diagram of each class against the rest.

    Returns:
      K `Bins`; their `confidence` is the mean of p(y|x), their `accuracy` the share of
      examples of y.
    """
    probabilities, truth = calibration.one_vs_rest(logits, labels)
    return [
        calibration.bin_means(p, t, bins=bins)
        for p, t in zip(probabilities.T, truth.T, strict=True)
    ]
