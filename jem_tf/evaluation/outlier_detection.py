"""Does the model tell outliers from images like its training data? Section 5.3.

Letters: N test images, which are the positives, and M images of a set of outliers.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jem_tf.datasets import outliers
from jem_tf.energy_model import Classifier
from jem_tf.evaluation import ood_scores
from jem_tf.figures import plots
from jem_tf.metrics import ood

LABEL = "log p(x) + const, nats"
ORDER = ("log_px", "auroc", "aupr", "fpr95")  # of the metrics, by kind


def evaluate_outliers(
    model: Classifier,
    test_images: Any,
    sets: Mapping[str, Any],
    *,
    temperature: float,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures how well each score tells test images from each set of outliers.

    Args:
      model: gives the scores.
      test_images: uint8 [N, H, W, C].
      sets: {name: images uint8 [M, H, W, C], or float in [-1, 1]}.
      temperature: T of the energy score.
      seed: of the bootstrap.

    Returns:
      ({"auroc/<key>/<score>": number, "auroc/<key>/<score>_ci": [low, high], the same
      of aupr and fpr95, "log_px/<key>": mean in nats}, {"log_px": figure}); the keys
      are `outliers.metric_keys` of the sets.
    """
    keys = outliers.metric_keys(list(sets))
    inside = _scores(model, test_images, temperature, "test images")
    metrics: dict[str, Any] = {"log_px/test": float(inside["log_px"].mean())}
    log_px = {}
    for name, key in keys.items():
        outside = _scores(model, sets[name], temperature, key)
        log_px[key] = outside["log_px"]
        metrics[f"log_px/{key}"] = float(outside["log_px"].mean())
        for score, values in inside.items():
            metrics |= _separation(f"{key}/{score}", values, outside[score], seed)
    metrics = dict(sorted(metrics.items(), key=lambda item: _rank(item[0])))
    return metrics, {"log_px": plots.histograms(inside["log_px"], log_px, LABEL)}


def _scores(
    model: Classifier, images: Any, temperature: float, progress: str
) -> dict[str, np.ndarray]:
    outputs = ood_scores.compute_outputs(model, images, progress=progress)
    return ood_scores.all_scores(outputs, temperature=temperature)


def _separation(
    key: str, inside: np.ndarray, outside: np.ndarray, seed: int
) -> dict[str, Any]:
    sampled = ood.sampled_intervals(inside, outside, seed=seed)
    return {
        f"auroc/{key}": ood.auroc(inside, outside),
        f"auroc/{key}_ci": ood.auroc_interval(inside, outside),
        f"aupr/{key}": ood.aupr(inside, outside),
        f"aupr/{key}_ci": sampled["aupr"],
        f"fpr95/{key}": ood.fpr95(inside, outside),
        f"fpr95/{key}_ci": sampled["fpr95"],
    }


def _rank(key: str) -> int:
    return ORDER.index(key.split("/")[0])
