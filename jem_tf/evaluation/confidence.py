"""Does the network know how surely it knows? The paper's section 5.2."""

import numpy as np

from jem_tf.datasets import pixels
from jem_tf.evaluation import inference
from jem_tf.figures import plots
from jem_tf.metrics import calibration, intervals

# After Guo et al. (ICML 2017) and the paper's figure 4.
ERRORS = {
    "nll": calibration.nll,
    "brier": calibration.brier,
    "ece": calibration.expected_calibration_error,
    "ece_adaptive": calibration.adaptive_calibration_error,
}


def measure(model, validation, test, *, noise, seed=0):
    """All numbers of a model's confidence on test images.

    Args:
      model: a JEM.
      validation, test: Split(images uint8 [N, H, W, C], labels int [N]); the
        temperature is fitted on the one, everything else measured on the other.
      noise: deviation of the noise on the images of `accuracy_noisy`, in pixels of
        [-1, 1].
      seed: int, of that noise and of the bootstrap.

    Returns:
      ({name: number, name_ci: [low, high]}, {"reliability": figure, "confidence":
      figure}).
    """
    labels = np.asarray(test.labels)
    logits = inference.logits(model, test.images, progress="test images")
    found = accuracy("accuracy", logits, labels)
    blurred = _noisy(test.images, noise, seed)
    noisy = inference.logits(model, blurred, progress="test images with noise")
    found |= accuracy("accuracy_noisy", noisy, labels)
    for name, error in ERRORS.items():
        found |= _with_interval(name, error, logits, labels, seed)
    temperature = calibration.best_temperature(
        inference.logits(model, validation.images, progress="validation images"),
        np.asarray(validation.labels),
    )
    found["temperature"] = temperature
    scaled = logits / temperature
    for name in ("nll", "ece"):
        key = f"{name}_temperature_scaled"
        found |= _with_interval(key, ERRORS[name], scaled, labels, seed)
    return found, _figures(logits, labels, found)


def accuracy(name, logits, labels):
    """{name: the share of labels that the logits give, name_ci: its interval}."""
    hits = int(np.sum(np.argmax(logits, axis=1) == labels))
    interval = intervals.proportion(hits, len(labels))
    return {name: hits / len(labels), f"{name}_ci": interval}


def _noisy(images, noise, seed):
    generator = np.random.default_rng([seed, 1])
    shape = images.shape
    return pixels(images).numpy() + noise * generator.standard_normal(shape, "float32")


def _with_interval(name, error, logits, labels, seed):
    interval = intervals.bootstrap(
        lambda chosen: error(logits[chosen], labels[chosen]),
        np.arange(len(labels)),
        seed=seed,
    )
    return {name: error(logits, labels), f"{name}_ci": interval}


def _figures(logits, labels, found):
    bins = calibration.reliability(logits, labels)
    return {
        "reliability": plots.reliability(bins, found["ece"]),
        "confidence": plots.confidences(bins, found["accuracy"]),
    }
