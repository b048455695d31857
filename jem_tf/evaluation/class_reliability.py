"""Does confidence match accuracy in every class?

Letters: N images, K classes; logits float [N, K], labels int [N].
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jem_tf.evaluation import inference
from jem_tf.figures import calibration_plots
from jem_tf.metrics import calibration, classwise_calibration, intervals

FEWEST = 20  # predictions of a class; resamples of fewer are too much alike
PANELS = 20  # classes in the figure, those of the largest errors if there are more


def evaluate_classes(
    logits: np.ndarray, labels: np.ndarray, names: Sequence[str], *, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures each class, of `names` [K].

    Returns:
      ({"by_class/<class>/<number>": ...}, {"by_class": figure}). The numbers are
      `images`, those of the class; `predicted`, those that are classified so;
      `accuracy`, the share of the former that are classified so; `precision`, the share
      of the latter that are of the class, `confidence`, their mean confidence, and
      `ece`, the ECE over them, all None where there are none; `ece_one_vs_rest`, whose
      mean over the classes is the class-wise ECE.
    """
    metrics: dict[str, Any] = {}
    errors = classwise_calibration.class_errors(logits, labels)
    for y, name in enumerate(names):
        for key, value in _measure_class(logits, labels, y, seed).items():
            metrics[f"by_class/{name}/{key}"] = value
        metrics[f"by_class/{name}/ece_one_vs_rest"] = float(errors[y])
    return metrics, {"by_class": _figure(logits, labels, names, errors)}


def _measure_class(
    logits: np.ndarray, labels: np.ndarray, y: int, seed: int
) -> dict[str, Any]:
    own, predicted = labels == y, inference.is_right(logits, y)
    hits = int(np.sum(own & predicted))
    measured: dict[str, Any] = {
        "images": int(own.sum()),
        "predicted": int(predicted.sum()),
    }
    for name, count in (("accuracy", own.sum()), ("precision", predicted.sum())):
        measured[name] = hits / count if count else None
        if count:
            measured[f"{name}_ci"] = intervals.proportion(hits, int(count))
    if not predicted.any():
        return measured | {"confidence": None, "ece": None}
    confidence, _ = calibration.confidences(logits[predicted], labels[predicted])
    gaps = calibration.bin_gaps(logits[predicted], labels[predicted])
    counts = intervals.resample_counts(len(gaps), seed=seed)
    resampled = calibration.resampled_errors(gaps, counts)
    error = float(np.abs(gaps.mean(axis=0)).sum())
    measured |= {"confidence": float(confidence.mean()), "ece": error}
    if len(gaps) < FEWEST:
        return measured
    chance = calibration.errors_by_chance(
        logits[predicted], intervals.RESAMPLES, seed=seed
    )
    interval = intervals.basic_interval(error, resampled, by_chance=chance)
    return measured | {"ece_ci": interval}


def _figure(
    logits: np.ndarray, labels: np.ndarray, names: Sequence[str], errors: np.ndarray
) -> Any:
    worst = np.sort(np.argsort(-errors, kind="stable")[:PANELS])
    diagrams = classwise_calibration.class_reliability(logits, labels)
    return calibration_plots.reliability_by_class(
        [diagrams[y] for y in worst], errors[worst].tolist(), [names[y] for y in worst]
    )
