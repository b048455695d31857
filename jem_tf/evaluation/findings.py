"""What an evaluation leaves in a run: numbers with their protocol, and figures.

RUN/results/<name>.json              {"metrics": {flat}, "protocol": {...},
                                      "figures": {figure: sha256 of its file}}
RUN/figures/<name>_<figure>.png      its figures
RUN/tensorboard/evaluation           both, under <name>/
"""

import hashlib
import importlib.metadata
import json
import pathlib
import tempfile
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jem_tf import figures
from jem_tf.datasets import Dataset
from jem_tf.errors import InputError
from jem_tf.evaluation import tables
from jem_tf.runs import build
from jem_tf.runs.loading import TrainedRun
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import console, files

PACKAGES = "jem-tf tensorflow keras tensorflow-probability numpy foolbox".split()
SEEN = (
    "trained on, most of them, before the network was imported: what is fitted to them "
    "or measured on them looks better than it is"
)
# Commands that write results of other names than their own.
COMMANDS = {
    "chains": "diagnose",
    "autoattack": "evaluate robustness",
    "small_radii": "evaluate robustness",
    "small_radii_pgd": "evaluate robustness",
    "fresh_samples": "evaluate samples",
}
# Metrics of the chains.json of earlier versions, where they stand beside the protocol.
FLAT = ("ess", "ess_share", "rhat", "energy_mean", "energy_std", "energy_first")


class Findings(NamedTuple):
    """What an evaluation returns.

    metrics: {key: number, or [low, high] of an interval}.
    protocol: {key: anything JSON can hold}, how they were made.
    figures: {figure: matplotlib Figure, or images float [N, H, W, C] in [-1, 1], which
      are laid side by side}.
    """

    metrics: dict[str, Any]
    protocol: dict[str, Any]
    figures: dict[str, Any]


def check_writable(folder: RunFolder) -> None:
    """Checks that findings can be written, before they are measured.

    Raises:
      OSError: if the run cannot be written.
    """
    for place in (folder.root, folder.results, folder.figures):
        if place.exists():
            with tempfile.TemporaryFile(dir=place, buffering=0) as file:
                file.write(b" ")


def write_findings(
    folder: RunFolder, name: str, findings: Findings, step: int
) -> list[pathlib.Path]:
    """Writes the findings of one evaluation.

    The JSON comes last: where it is, the figures are too. TensorBoard's file lacks them
    if it cannot be written.

    Args:
      folder: of the run.
      name: of the evaluation: "calibration", "ood", "samples", "robustness", "chains"
        or a key of COMMANDS; with "validation_" before it if it is of validation
        images, which neither the report nor a model card shows.
      findings: what the evaluation returned.
      step: of the checkpoint.

    Returns:
      The files written, the JSON first.

    Raises:
      OSError: if the run cannot be written.
    """
    for part in (folder.results, folder.figures):
        part.mkdir(exist_ok=True)
    paths = _save_figures(folder, name, findings.figures)
    try:
        _to_tensorboard(folder, name, findings, paths, step)
    except (OSError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0]
        console.say(f"{folder.tensorboard} lacks what cannot be written: {reason}")
    result = folder.result(name)
    named = {x: file_sha256(folder.figure(f"{name}_{x}")) for x in findings.figures}
    content = {"metrics": findings.metrics, "protocol": findings.protocol}
    files.write_json(result, files.finite(content | {"figures": named}))
    return [result, *paths.values()]


def read_findings(folder: RunFolder, name: str) -> dict[str, dict[str, Any]] | None:
    """Reads what `write_findings` wrote, or the flat chains.json of earlier versions.

    Args:
      folder: of the run.
      name: of the evaluation.

    Returns:
      {"metrics": ..., "protocol": ...}, or None where there is nothing yet.

    Raises:
      InputError: if the file is not what `write_findings` writes.
    """
    path = folder.result(name)
    try:
        content = _in_parts(json.loads(path.read_text(encoding="utf-8")))
        return {part: dict(content[part]) for part in ("metrics", "protocol")}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        command = COMMANDS.get(name, f"evaluate {name}")
        raise InputError(
            f"{path} cannot be read; run `jem-tf {command}` again."
        ) from error


def provenance(run: TrainedRun, data: Dataset) -> dict[str, Any]:
    """Describes in a protocol which network was evaluated, on which data and versions.

    Args:
      run: gives the network and its options.
      data: the data set that the run was trained on.
    """
    test = {"test_images": len(data.test.labels), "test_split": data.test_source}
    return describe_run(run) | test


def describe_run(run: TrainedRun) -> dict[str, Any]:
    """Describes in a protocol which network was evaluated, without reading its data."""
    return {
        "run": str(run.folder),
        "checkpoint_step": run.step,
        "network": run.options.network.network,
        "network_sha256": weights_sha256(run.model.network),
        "p_x_weight": run.options.objective.p_x_weight,
        "p_x_y_weight": run.options.objective.p_x_y_weight,
        "precision": build.choose_precision(run.options)[0],
        "dataset": run.options.data.dataset,
        "versions": _versions(),
    } | ({"validation_images_were": SEEN} if run.folder.is_imported else {})


def file_sha256(path: pathlib.Path) -> str:
    """Computes the sha256 of a file, by which results know their figures."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights_sha256(network: keras.Model) -> str:
    """Computes the sha256 over the bytes of a network's weights, in their order."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _in_parts(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Parts the metrics of a flat file from its protocol; others are in parts."""
    if not set(FLAT) <= set(content):
        return content
    protocol = {key: content[key] for key in content if key not in FLAT}
    return {"metrics": {key: content[key] for key in FLAT}, "protocol": protocol}


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def _save_figures(
    folder: RunFolder, name: str, pictures: dict[str, Any]
) -> dict[str, pathlib.Path]:
    """Saves figures -> {tag in TensorBoard: path}."""
    paths = {}
    for figure, picture in pictures.items():
        path = folder.figure(f"{name}_{figure}")
        if isinstance(picture, np.ndarray):
            figures.save(path, picture)
        else:
            figures.save_plot(path, picture)
        paths[f"{name}/{figure}"] = path
    return paths


def _to_tensorboard(
    folder: RunFolder,
    name: str,
    findings: Findings,
    paths: dict[str, pathlib.Path],
    step: int,
) -> None:
    from PIL import Image

    writer = tf.summary.create_file_writer(str(folder.tensorboard / "evaluation"))
    with writer.as_default(step=step):
        for key, value in findings.metrics.items():
            beside = tables.stands_beside(key, findings.metrics)
            if np.isscalar(value) and not beside:
                tf.summary.scalar(f"{name}/{key}", value)
        for tag, path in paths.items():
            with Image.open(path) as picture:
                tf.summary.image(tag, np.asarray(picture.convert("RGB"))[None])
        protocol = json.dumps(findings.protocol, indent=2, default=str)
        tf.summary.text(f"{name}/protocol", f"```\n{protocol}\n```")
    writer.close()
