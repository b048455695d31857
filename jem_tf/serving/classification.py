"""Classes of images, how sure they are, and whether the model knows such images.

`Predictor.classify` answers what an export's signature `classify` answers.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from jem_tf.serving.served_calibration import Calibration


class Classification(NamedTuple):
    """Answers for N images; for a single one, without the first axis.

    class_names: [N] of str, the likeliest classes.
    confidence: float [N], their probabilities at the calibrated temperature.
    log_density: float [N], log p(x) + const in nats, see `Predictor.log_density`.
    ood_score: float [N], the score that `is_ood` goes by, higher for images more like
      the training images.
    is_ood: bool [N], whether the score is below the calibrated threshold, or it or
      `log_density` is not finite.
    """

    class_names: np.ndarray
    confidence: np.ndarray
    log_density: np.ndarray
    ood_score: np.ndarray
    is_ood: np.ndarray


def classify(
    logits: np.ndarray,
    scores: np.ndarray,
    class_names: tuple[str, ...],
    calibration: Calibration,
) -> Classification:
    """Classifies images by their logits [N, K] and their scores [N].

    Args:
      logits: f(x), raw.
      scores: of `calibration.ood_score`.
      class_names: K names.
      calibration: temperature and threshold.
    """
    logits = np.asarray(logits, "float64")
    log_density = logsumexp(logits, axis=1)
    known = np.isfinite(log_density) & np.isfinite(scores)
    known &= scores >= calibration.threshold
    with np.errstate(invalid="ignore"):  # infinite logits have no probabilities
        probabilities = softmax(logits / calibration.temperature, axis=1)
    return Classification(
        np.array(class_names)[logits.argmax(axis=1)],
        probabilities.max(axis=1),
        log_density,
        np.asarray(scores),
        ~known,
    )
