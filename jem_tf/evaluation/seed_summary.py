"""Several runs of one recipe: means and standard deviations over their seeds.

RUN/results/seeds.json   {"metrics": {evaluation: {metric: summary}}, "protocol": {...}}
"""

import fnmatch
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from jem_tf.evaluation import tables

NAME = "seeds"
Results = Mapping[str, Mapping[str, Any]]  # {evaluation: its metrics}
DEFINITIONS = {
    "mean": "of the runs' values; null unless every run has one",
    "sd": "standard deviation over the runs, divided by n - 1; null of one run",
    "values": "of each run, in the order of runs",
    "intervals": "of each run over images, 95%, not over seeds; see its own results",
}
# The metrics of a short table: {evaluation: patterns of fnmatch}.
HEADLINES = {
    "calibration": ("accuracy", "ece", "ece_temp*", "nll", "mean_corruption_error"),
    "ood": ("auroc/*/log_px", "openood/log_px/*_auroc", "openood/knn/*_auroc"),
    "samples": ("fid*", "kid*", "inception_score*", "precision*", "recall*"),
    "fresh_samples": ("fid*", "kid*", "inception_score*"),
    "autoattack": ("robust_accuracy/*/jem0",),
    "small_radii": ("robust_accuracy/*/jem0",),
    "small_radii_pgd": ("robust_accuracy/*/jem0",),
    "robustness": ("robust_accuracy/*/jem*",),
    "chains": ("ess_share", "rhat"),
}
NO_HEADLINES = ("*/straight_through", "*/full", "*/0/*", "*/255/*")


def summarise(values: Sequence[float | None]) -> dict[str, Any]:
    """Computes mean and standard deviation (n - 1) of a metric over runs.

    Args:
      values: of n runs; None where a run has no number, or no finite one.

    Returns:
      {"mean": float, or None if a value is None, "sd": likewise, and None if n is 1,
      "values"}.
    """
    known = [float(value) for value in values if value is not None]
    whole = len(known) == len(values) > 0
    return {
        "mean": statistics.fmean(known) if whole else None,
        "sd": statistics.stdev(known) if whole and len(known) > 1 else None,
        "values": list(values),
    }


def summarise_runs(results: Sequence[Results]) -> dict[str, dict[str, Any]]:
    """Summarises every metric that is one number over runs.

    Args:
      results: of each run, of the same evaluations.

    Returns:
      {evaluation: {metric: what `summarise` returns, with "intervals", those of each
      run, if one has an interval}}. What is the interval or deviation of another
      metric has no summary.
    """
    summaries: dict[str, dict[str, Any]] = {}
    for name in results[0]:
        runs = [result[name] for result in results]
        keys = dict.fromkeys(key for metrics in runs for key in metrics)
        summaries[name] = {
            key: _summarise_key(key, runs)
            for key in keys
            if not any(tables.stands_beside(key, metrics) for metrics in runs)
            and not any(isinstance(metrics.get(key), list) for metrics in runs)
        }
    return summaries


def _summarise_key(key: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    summary = summarise([metrics.get(key) for metrics in runs])
    intervals = [metrics.get(f"{key}_ci") for metrics in runs]
    return summary | ({"intervals": intervals} if any(intervals) else {})


def format_headlines(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Formats the HEADLINES as lines of a table: mean, deviation, and each value."""
    lines = []
    for name, key, summary in select_headlines(summaries):
        mean, sd, values = (summary[k] for k in ("mean", "sd", "values"))
        spread = "" if sd is None else f" +- {tables.format_number(sd)}"
        each = ", ".join(map(tables.format_number, values))
        shown = f"{tables.format_number(mean)}{spread}"
        lines.append(f"  {name + ' ' + key:<52}{shown:>20}  ({each})")
    return lines


def select_headlines(
    summaries: Mapping[str, Mapping[str, Any]],
) -> list[tuple[str, str, dict[str, Any]]]:
    """Selects the HEADLINES: [(evaluation, metric, summary)]."""
    return [
        (name, key, summary)
        for name, metrics in summaries.items()
        for key, summary in metrics.items()
        if _matches(key, HEADLINES.get(name, ())) and not _matches(key, NO_HEADLINES)
    ]


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)
