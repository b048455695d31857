"""Does the model tell outliers from images like its training data? Section 5.3.

Letters: N images of the data set, which are the positives, and M images of a set of
outliers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jem_tf import ood_scores
from jem_tf.datasets import outliers
from jem_tf.evaluation import outlier_groups
from jem_tf.evaluation.scorer import Scorer
from jem_tf.figures import plots
from jem_tf.metrics import ood, ood_intervals
from jem_tf.system import console

LABEL = "log p(x) + const, nats"
# Of the metrics, by kind.
ORDER = ("openood", "log_px", *outlier_groups.MEASURES)


def evaluate_outliers(
    scorer: Scorer,
    images: Any,
    sets: Mapping[str, Any],
    *,
    names: Sequence[str],
    positives: str = "test",
    served: str = "",
    groups: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measures how well each score tells the positives from each set of outliers.

    Args:
      scorer: computes the scores.
      images: the positives, uint8 [N, H, W, C].
      sets: {name: images uint8 [M, H, W, C], or float in [-1, 1]}.
      names: of the scores, "log_px" among them.
      positives: what the positives are called in a key.
      served: the score that `is_ood` goes by; "": the first default there is.
      groups: {group: names of its sets}, over which scores are averaged; see
        `outlier_groups.evaluate_groups`.
      seed: of the bootstrap.

    Returns:
      ({"auroc/<key>/<score>": number, "auroc/<key>/<score>_ci": [low, high], the same
      of aupr, aupr_out, fpr95 and fpr95_out, "log_px/<key>": mean in nats, and those of
      the groups}, {"log_px": figure, that of the score that `is_ood` goes by, if it is
      among the scores, and that of the groups}); the keys are `outliers.metric_keys` of
      the sets.
    """
    keys = outliers.metric_keys(list(sets), positives)
    inside = scorer.scores(images, names, progress=f"{positives} images")
    metrics: dict[str, Any] = {f"log_px/{positives}": float(inside["log_px"].mean())}
    outside = {}
    for name, key in keys.items():
        outside[key] = scorer.scores(sets[name], names, progress=key)
        metrics[f"log_px/{key}"] = float(outside[key]["log_px"].mean())
        for score, values in inside.items():
            key_of_score = f"{key}/{score}"
            metrics |= _separation(key_of_score, values, outside[key][score], seed)
    group_figures: dict[str, Any] = {}
    if groups:
        own = {group: [keys[name] for name in some] for group, some in groups.items()}
        table, group_figures = outlier_groups.evaluate_groups(
            metrics, inside, outside, own
        )
        metrics |= table
    metrics = dict(sorted(metrics.items(), key=lambda item: _rank(item[0])))
    served = served or ood_scores.default_of(scorer.names)
    labels = {served: served, "log_px": LABEL}
    figures = {
        score: plots.histograms(
            inside[score],
            {key: own[score] for key, own in outside.items()},
            label,
            f"{positives} images",
        )
        for score, label in labels.items()
        if score in inside
    }
    return metrics, group_figures | figures


def _separation(
    key: str, inside: np.ndarray, outside: np.ndarray, seed: int
) -> dict[str, Any]:
    if not ood.are_finite(inside, outside):
        console.say(f"{key}: some scores are not finite, so that no measure is")
    known = {
        measure: getattr(ood, measure)(inside, outside)
        for measure in outlier_groups.MEASURES
    }
    ends = ood_intervals.sampled_intervals(inside, outside, known, seed=seed)
    ends["auroc"] = ood_intervals.auroc_interval(inside, outside)
    metrics: dict[str, Any] = {}
    for measure, value in known.items():
        metrics[f"{measure}/{key}"] = value
        metrics[f"{measure}/{key}_ci"] = ends[measure]
    return metrics


def _rank(key: str) -> int:
    return ORDER.index(key.split("/")[0])
