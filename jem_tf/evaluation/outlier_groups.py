"""Scores of outliers over groups of sets, near and far, and what the scores cost.

Source of the groups: OpenOOD v1.5 (Zhang et al. 2023), whose tables have such means.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jem_tf import ood_scores
from jem_tf.figures import card_plots
from jem_tf.figures.card_plots import Estimate
from jem_tf.metrics import ood_intervals

WIDTH = 5.4  # of the figure, in inches
MEASURES = ("auroc", "aupr", "aupr_out", "fpr95", "fpr95_out")
Scores = Mapping[str, np.ndarray]  # {score: float [N]}


def evaluate_groups(
    metrics: Mapping[str, Any],
    inside: Scores,
    outside: Mapping[str, Scores],
    groups: Mapping[str, Sequence[str]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Averages over the sets of each group: one table of all scores.

    Args:
      metrics: of `outlier_detection.evaluate_outliers`, with every set.
      inside: scores of the positives.
      outside: {key of a set: scores of its images}.
      groups: {group: keys of its sets}; those without a set are left out.

    Returns:
      ({"openood/<score>/<group>_<measure>": mean over its sets, "..._auroc_ci":
      interval, "openood/<score>/forward_passes", "backward_passes": of `Score.passes`},
      {"groups": figure}).
    """
    table: dict[str, Any] = {}
    groups = {group: keys for group, keys in groups.items() if keys}
    shown: dict[str, list[Estimate]] = {group: [] for group in groups}
    for score in inside:
        for group, keys in groups.items():
            stem = f"openood/{score}/{group}"
            for measure in MEASURES:
                values = [metrics[f"{measure}/{key}/{score}"] for key in keys]
                table[f"{stem}_{measure}"] = float(np.mean(values))
            interval = ood_intervals.mean_auroc_interval(
                [inside[score]] * len(keys), [outside[key][score] for key in keys]
            )
            table[f"{stem}_auroc_ci"] = interval
            shown[group].append(Estimate(table[f"{stem}_auroc"], *interval))
        passes = ood_scores.SCORES[score].passes()
        table[f"openood/{score}/forward_passes"] = passes.forward
        table[f"openood/{score}/backward_passes"] = passes.backward
    figure = card_plots.rows(
        [*inside], shown, "AUROC, mean over the sets", 0.5, width=WIDTH
    )
    return table, {"groups": figure}
