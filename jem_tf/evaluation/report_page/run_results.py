"""All that is on the disk about a run: its results, their figures, what is missing."""

import glob
import json
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from jem_tf.errors import InputError
from jem_tf.evaluation import findings, part_states
from jem_tf.runs.run_folder import RunFolder

# {name of the evaluation: (title of its section, the command that measures it)}
EVALUATIONS = {
    "calibration": (
        "Calibration: is it as sure as it is right?",
        "evaluate calibration",
    ),
    "ood": ("Outliers: does it know what it does not know?", "evaluate ood"),
    "samples": ("Samples: what does it draw?", "evaluate samples"),
    "fresh_samples": (
        "Fresh samples: what do new chains draw?",
        "evaluate samples, from fresh chains, kept as fresh_samples",
    ),
    "chains": ("Chains: do they mix?", "diagnose"),
    "robustness": (
        "Robustness: what does a small perturbation do?",
        "evaluate robustness",
    ),
    "autoattack": (
        "AutoAttack: what do four attacks in turn do?",
        "evaluate robustness, with autoattack",
    ),
    "small_radii": (
        "AutoAttack within small radii: what do tiny perturbations do?",
        "evaluate robustness, with autoattack, kept as small_radii",
    ),
    "small_radii_pgd": (
        "PGD within small radii: what do tiny perturbations of many images do?",
        "evaluate robustness, kept as small_radii_pgd",
    ),
}
SHIFT = ("Accuracy on corrupted images", "evaluate calibration, with corruptions")
# {name of the evaluation: its samples in words}; the buffer's come first
SAMPLES = {"samples": "samples", "fresh_samples": "samples from fresh chains"}
GENERATIVE_ONLY = ("chains",)  # a plain classifier has no chains
MOST_APART = 120  # seconds between a figure and the results of an earlier version


class Result(NamedTuple):
    """The results of one evaluation.

    metrics, protocol: as in `findings.Findings`.
    figures: {figure: path of its PNG}, those that belong to these results.
    stale: figures that do not.
    """

    metrics: dict[str, Any]
    protocol: dict[str, Any]
    figures: dict[str, pathlib.Path]
    stale: list[str]


Results = Mapping[str, Result]  # {name of the evaluation: Result}


def read_results(folder: RunFolder) -> dict[str, Result]:
    """Reads the results of all evaluations of a run, those that there are.

    Raises:
      InputError: if one is unreadable.
    """
    results = {}
    for name in EVALUATIONS:
        content = findings.read_findings(folder, name)
        if content is not None:
            figures, stale = find_figures(folder, name)
            results[name] = Result(**content, figures=figures, stale=stale)
    return results


def find_figures(
    folder: RunFolder, name: str
) -> tuple[dict[str, pathlib.Path], list[str]]:
    """Finds the figures on the disk that belong to the results of an evaluation.

    A figure belongs to them if they name it with the sha256 of its file. Results of
    earlier versions name none; to those belongs what was written within two minutes.

    Args:
      folder: of the run.
      name: of the evaluation, which has results.

    Returns:
      ({figure: path}, [figures of another evaluation]).
    """
    result, start = folder.result(name), f"{name}_"
    named = json.loads(result.read_text(encoding="utf-8")).get("figures")
    paths = {
        path.stem.removeprefix(start): path
        for path in sorted(folder.figures.glob(f"{glob.escape(start)}*.png"))
    }
    if isinstance(named, dict):
        kept = [x for x in paths if named.get(x) == findings.file_sha256(paths[x])]
    else:
        written = result.stat().st_mtime
        apart = {x: abs(written - path.stat().st_mtime) for x, path in paths.items()}
        kept = [x for x in paths if apart[x] <= MOST_APART]
    return {x: paths[x] for x in kept}, [x for x in paths if x not in kept]


def list_not_measured(folder: RunFolder, results: Results) -> list[str]:
    """Says of each thing that was not measured what it is, and why or by what command.

    Args:
      folder: of the run.
      results: `read_results` of it.
    """
    plain = is_plain(results)
    reasons = read_reasons(folder)
    lines = []
    for name, (title, command) in EVALUATIONS.items():
        if name not in results and not (plain and name in GENERATIVE_ONLY):
            reason = reasons.pop(name, f"jem-tf {command}")
            lines.append(f"{title.split(':')[0]} ({reason.rstrip('.')})")
    calibration = results.get("calibration")
    if calibration and not any("corrupted_" in key for key in calibration.metrics):
        reason = reasons.pop("corruptions", f"jem-tf {SHIFT[1]}")
        lines.append(f"{SHIFT[0]} ({reason.rstrip('.')})")
    absent = list_absent_sets(results)
    for name in absent:
        reasons.pop(f"ood: {name}", None)  # which says the same
    lines += [f"{part} ({reason.rstrip('.')})" for part, reason in reasons.items()]
    return lines + [f"Outliers of {name} (not on the disk)" for name in absent]


def is_plain(results: Results) -> bool:
    """Whether the run is a plain classifier, which nothing taught a density."""
    weights = (
        [r.protocol.get(name, 0) for name in ("p_x_weight", "p_x_y_weight")]
        for r in results.values()
        if "p_x_weight" in r.protocol
    )
    return any(not any(pair) for pair in weights)


def list_absent_sets(results: Results) -> list[str]:
    """Names the sets of outliers that were asked for and were not on the disk."""
    ood = results.get("ood")
    groups = ood.protocol.get("openood") if ood else None
    absent = groups.get("not_measured") if isinstance(groups, dict) else None
    return list(absent or [])


def read_reasons(folder: RunFolder) -> dict[str, str]:
    """Reads why `jem-tf evaluate all` left parts out: {part: sentence}.

    A file that is not there, or is unreadable, gives none.
    """
    try:
        return part_states.list_unmeasured(folder)
    except InputError:
        return {}


def list_networks(results: Results) -> dict[tuple[Any, str], list[str]]:
    """{(step, first digits of its network's sha256): [evaluations of it]}.

    The report warns of several. Without digits are results of earlier versions.
    """
    networks: dict[tuple[Any, str], list[str]] = {}
    for name, result in results.items():
        if (step := result.protocol.get("checkpoint_step")) is not None:
            digits = str(result.protocol.get("network_sha256") or "")[:8]
            networks.setdefault((step, digits), []).append(name)
    return networks
