"""Temperature and OOD threshold of a model, fitted on validation images."""

import numbers
from typing import NamedTuple

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import Split
from jem_tf.errors import InputError, argument
from jem_tf.evaluation.scorer import Scorer
from jem_tf.metrics import calibration


class Calibration(NamedTuple):
    """Temperature and OOD threshold, and what they are on the N images of the fit.

    temperature: T with the least NLL of softmax(logits / T).
    temperature_at_bound: whether T is at one of `metrics.calibration.TEMPERATURES`.
    threshold: of the score `ood_score`; an image below it counts as OOD.
    accept: the requested share of images that are not below the threshold.
    accepted: the share of images that are not below it.
    accuracy: in [0, 1].
    images: N.
    ood_score: the name of a score, see `ood_scores`.
    """

    temperature: float
    temperature_at_bound: bool
    threshold: float
    accept: float
    accepted: float
    accuracy: float
    images: int
    ood_score: str = "log_px"


def calibrate(
    scorer: Scorer, split: Split, accept: float, *, ood_score: str = "log_px"
) -> Calibration:
    """Fits temperature and OOD threshold of a model.

    Args:
      scorer: of the classifier, with the state of `ood_score`.
      split: validation images uint8 [N, H, W, C], and their labels int [N].
      accept: in (0, 1], the least share of these images whose score must not be below
        the threshold.
      ood_score: the name of a score, see `ood_scores`.

    Returns:
      Calibration.

    Raises:
      InputError: if `accept` is out of range, or logits or scores are not finite.
    """
    check_accept(accept)
    labels = np.asarray(split.labels)
    outputs = scorer.outputs(split.images, [ood_score])
    scores = ood_scores.compute(outputs, scorer.state, [ood_score])[ood_score]
    if not np.isfinite(outputs.logits).all():
        raise InputError(
            "The model's logits are not finite; export another checkpoint."
        )
    if not np.isfinite(scores).all():
        raise InputError(
            f"{argument('ood_score', ood_score)} is not finite for some validation "
            "images; choose another score."
        )
    temperature = calibration.best_temperature(outputs.logits, labels)
    bounds = np.array(calibration.TEMPERATURES)
    threshold = np.quantile(scores, 1 - accept, method="lower")
    return Calibration(
        temperature=temperature,
        temperature_at_bound=bool(np.isclose(temperature, bounds, rtol=0.01).any()),
        threshold=float(threshold),
        accept=accept,
        accepted=float(np.mean(scores >= threshold)),
        accuracy=float(np.mean(outputs.logits.argmax(axis=1) == labels)),
        images=len(labels),
        ood_score=ood_score,
    )


def check_accept(accept: float) -> None:
    """Raises InputError if `accept` is not in (0, 1]."""
    if not (isinstance(accept, numbers.Real) and 0 < accept <= 1):
        raise InputError(
            f"{argument('accept', accept)} must be in (0, 1]; give a share like 0.95."
        )
