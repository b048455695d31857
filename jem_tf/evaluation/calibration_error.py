"""Does confidence match accuracy? The paper's section 5.2.

Letters: N images, K classes; logits float [N, K], labels int [N].
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jem_tf import pixels
from jem_tf.datasets import Split
from jem_tf.energy_model import Classifier
from jem_tf.evaluation import class_reliability, inference
from jem_tf.figures import plots
from jem_tf.metrics import (
    brier_decomposition,
    calibration,
    classwise_calibration,
    intervals,
)

# After Guo et al. (ICML 2017) and the paper's figure 4.
ERRORS: dict[str, Callable[[Any, Any], float]] = {
    "nll": calibration.nll,
    "brier": calibration.brier,
    "ece": calibration.expected_calibration_error,
    "ece_adaptive": calibration.adaptive_calibration_error,
    "ece_classwise": classwise_calibration.classwise_calibration_error,
    "ece_classwise_adaptive": classwise_calibration.adaptive_classwise_error,
}
# At the best temperature, too.
SCALED = {name: ERRORS[name] for name in ("nll", "brier", "ece", "ece_classwise")}
BIASED = {name for name in ERRORS if name.startswith("ece")}  # upward, by chance


def evaluate_confidence(
    model: Classifier,
    validation: Split,
    evaluated: Split,
    *,
    noise: float,
    on: str = "test",
    class_names: Sequence[str] = (),
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures a model's confidence.

    Args:
      model: classifies them.
      validation: Split(images uint8 [N, H, W, C], labels int [N]) that the temperature
        is fitted on.
      evaluated: the Split that everything else is measured on.
      noise: standard deviation of the noise on the images of `accuracy_noisy`, in
        pixels of [-1, 1].
      on: the name of this split, for the progress.
      class_names: K, to measure every class as well; empty for all of them together.
      seed: int, for this noise and the bootstrap.

    Returns:
      ({name: number, name_ci: [low, high]}, {"reliability": figure, "confidence":
      figure}, and those of `class_reliability.evaluate_classes`).
    """
    labels = np.asarray(evaluated.labels)
    logits = inference.logits(model, evaluated.images, progress=f"{on} images")
    metrics = measure_accuracy("accuracy", logits, labels)
    images = _with_noise(evaluated.images, noise, seed)
    noisy = inference.logits(model, images, progress=f"{on} images with noise")
    metrics |= measure_accuracy("accuracy_noisy", noisy, labels)
    drawn = calibration.draw_labels(logits, intervals.RESAMPLES, seed=seed)
    metrics |= _with_intervals("", ERRORS, logits, labels, drawn, seed)
    metrics |= _brier_parts(logits, labels, drawn, seed)
    temperature = calibration.best_temperature(
        inference.logits(model, validation.images, progress="validation images"),
        np.asarray(validation.labels),
    )
    metrics["temperature"] = temperature
    scaled = logits / temperature
    drawn = calibration.draw_labels(scaled, intervals.RESAMPLES, seed=seed)
    metrics |= _with_intervals(
        "_temperature_scaled", SCALED, scaled, labels, drawn, seed
    )
    figures = _figures(logits, labels, metrics)
    if class_names:
        of_classes = class_reliability.evaluate_classes(
            logits, labels, class_names, seed=seed
        )
        metrics, figures = metrics | of_classes[0], figures | of_classes[1]
    return metrics, figures


def measure_accuracy(
    name: str, logits: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """Measures {name: share of labels that the logits predict, name_ci: interval}."""
    hits = int(np.sum(inference.is_right(logits, labels)))
    interval = intervals.proportion(hits, len(labels))
    return {name: hits / len(labels), f"{name}_ci": interval}


def _with_noise(images: Any, noise: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng([seed, 1])
    shape = images.shape
    clean = pixels.from_uint8(images).numpy()
    return clean + noise * generator.standard_normal(shape, "float32")


def _with_intervals(
    suffix: str,
    errors: Mapping[str, Callable[[Any, Any], float]],
    logits: np.ndarray,
    labels: np.ndarray,
    drawn: Sequence[np.ndarray],
    seed: int,
) -> dict[str, Any]:
    """The errors and their intervals; `drawn` are draws of labels from p(y|x)."""
    metrics: dict[str, Any] = {}
    rows = np.arange(len(labels))
    for name, error in errors.items():
        value = error(logits, labels)
        resampled = intervals.resample(
            lambda some, error=error: error(logits[some], labels[some]), rows, seed=seed
        )
        chance = [error(logits, y) for y in drawn] if name in BIASED else None
        interval = intervals.basic_interval(value, resampled, by_chance=chance)
        metrics |= {f"{name}{suffix}": value, f"{name}{suffix}_ci": interval}
    return metrics


def _brier_parts(
    logits: np.ndarray, labels: np.ndarray, drawn: Sequence[np.ndarray], seed: int
) -> dict[str, Any]:
    """Brier's score in parts, {"brier_reliability": number, its _ci, ...}.

    The uncertainty has no interval: it is of the labels alone, and where their classes
    are equally many it is the highest it can be, which every resample is below. Chance
    adds as much to resolution as to reliability, or less.
    """
    decompose = brier_decomposition.decompose_brier
    parts = decompose(logits, labels)
    resampled = intervals.resample(
        lambda some: decompose(logits[some], labels[some]),
        np.arange(len(labels)),
        seed=seed,
    )
    chance = {"by_chance": [decompose(logits, y).reliability for y in drawn]}
    bounds: dict[str, dict[str, Any]] = {
        "reliability": chance,
        "resolution": chance,
        "within_bins": {"lowest": -math.inf},
    }
    metrics = {f"brier_{name}": value for name, value in parts._asdict().items()}
    for name, bound in bounds.items():
        values = [getattr(some, name) for some in resampled]
        interval = intervals.basic_interval(getattr(parts, name), values, **bound)
        metrics[f"brier_{name}_ci"] = interval
    return metrics


def _figures(
    logits: np.ndarray, labels: np.ndarray, metrics: dict[str, Any]
) -> dict[str, Any]:
    bins = calibration.reliability(logits, labels)
    return {
        "reliability": plots.reliability_diagram(bins, metrics["ece"]),
        "confidence": plots.confidence_histogram(bins, metrics["accuracy"]),
    }
