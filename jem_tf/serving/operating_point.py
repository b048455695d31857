"""How sure a model is, and what it knows: found on images held out of training."""

import collections

import numpy as np

from jem_tf.errors import InputError
from jem_tf.evaluation import inference
from jem_tf.metrics import calibration

Calibration = collections.namedtuple(
    "Calibration",
    "temperature temperature_at_bound threshold accept accepted accuracy images",
)


def calibrate(model, split, accept):
    """Temperature and OOD threshold of a model.

    Args:
      model: a Classifier.
      split: Split(images uint8 [N, H, W, C], labels int [N]), for validation.
      accept: in (0, 1], the least share of those images whose log p(x) must not be
        below the threshold.

    Returns:
      Calibration(temperature: at which their NLL is least; temperature_at_bound:
      whether that is one of `calibration.TEMPERATURES`; threshold: in nats;
      accept; accepted: the share that really is; accuracy: on them; images: N).

    Raises:
      InputError: if accept is not such a share.
    """
    if not 0 < accept <= 1:
        raise InputError(f"--accept={accept} is no share; give one like 0.95.")
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
