"""Temperature and OOD threshold of a model, fitted on validation images."""

from typing import NamedTuple

import numpy as np

from jem_tf.datasets import Split
from jem_tf.energy_model import Classifier
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import inference
from jem_tf.metrics import calibration


class Calibration(NamedTuple):
    """Temperature and OOD threshold, and what they are on the N images of the fit.

    temperature: T with the least NLL of softmax(logits / T).
    temperature_at_bound: whether T is at one of `metrics.calibration.TEMPERATURES`.
    threshold: of log p(x) + const, in nats; an image below it counts as OOD.
    accept: the requested share of images that are not below the threshold.
    accepted: the share of images that are not below it.
    accuracy: in [0, 1].
    images: N.
    """

    temperature: float
    temperature_at_bound: bool
    threshold: float
    accept: float
    accepted: float
    accuracy: float
    images: int


def calibrate(model: Classifier, split: Split, accept: float) -> Calibration:
    """Fits temperature and OOD threshold of a model.

    Args:
      model: the classifier.
      split: validation images uint8 [N, H, W, C], and their labels int [N].
      accept: in (0, 1], the least share of these images whose log p(x) must not be
        below the threshold.

    Returns:
      Calibration.

    Raises:
      InputError: if `accept` is out of range, or the logits are not finite.
    """
    if not 0 < accept <= 1:
        raise InputError(
            f"{argument('accept', accept)} must be in (0, 1]; give a share like 0.95."
        )
    labels = np.asarray(split.labels)
    logits = inference.logits(model, split.images)
    log_density = np.logaddexp.reduce(logits, axis=1)
    if not np.isfinite(log_density).all():
        raise InputError(
            "The model's logits are not finite; export another checkpoint."
        )
    temperature = calibration.best_temperature(logits, labels)
    bounds = np.array(calibration.TEMPERATURES)
    threshold = np.quantile(log_density, 1 - accept, method="lower")
    return Calibration(
        temperature=temperature,
        temperature_at_bound=bool(np.isclose(temperature, bounds, rtol=0.01).any()),
        threshold=float(threshold),
        accept=accept,
        accepted=float(np.mean(log_density >= threshold)),
        accuracy=float(np.mean(logits.argmax(axis=1) == labels)),
        images=len(labels),
    )
