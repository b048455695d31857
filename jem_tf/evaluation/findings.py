"""What an evaluation leaves in a run: numbers with their protocol, pictures, a table.

RUN/results/<name>.json              {"metrics": {flat}, "protocol": {...}}
RUN/figures/<name>_<figure>.png      its pictures
RUN/tensorboard/evaluation           both, under <name>/
"""

import collections
import hashlib
import importlib.metadata
import json

import numpy as np
import tensorflow as tf

from jem_tf import figures
from jem_tf.errors import InputError
from jem_tf.system import files, hardware

Findings = collections.namedtuple("Findings", "metrics protocol figures")
PACKAGES = (
    "jem-tf",
    "tensorflow",
    "keras",
    "tensorflow-probability",
    "numpy",
    "foolbox",
)


def keep(root, name, findings, step):
    """Writes the findings of one evaluation, the JSON last, so that it is never alone.

    Args:
      root: pathlib.Path, RUN.
      name: of the evaluation: "calibration", "ood", "samples" or "robustness".
      findings: Findings(metrics: {key: number, or [low, high] of an interval},
        protocol: {key: anything JSON can hold}, figures: {figure: matplotlib Figure,
        or images float [N, H, W, C] in [-1, 1] laid side by side}).
      step: int, of the checkpoint.

    Returns:
      [pathlib.Path], the files written, the JSON first.

    Raises:
      OSError: if the run cannot be written.
    """
    for folder in ("results", "figures"):
        (root / folder).mkdir(exist_ok=True)
    pictures = {}
    for figure, picture in findings.figures.items():
        path = root / "figures" / f"{name}_{figure}.png"
        if isinstance(picture, np.ndarray):
            figures.save(path, picture)
        else:
            figures.save_plot(path, picture)
        pictures[f"{name}/{figure}"] = path
    _to_tensorboard(root / "tensorboard" / "evaluation", name, findings, pictures, step)
    place = root / "results" / f"{name}.json"
    plain = {"metrics": findings.metrics, "protocol": findings.protocol}
    files.write_json(place, _finite(plain))
    return [place, *pictures.values()]


def read(root, name):
    """What `keep` wrote -> {"metrics", "protocol"}; None where it has not yet.

    Raises:
      InputError: if the file is not what `keep` writes.
    """
    place = root / "results" / f"{name}.json"
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        return {part: dict(found[part]) for part in ("metrics", "protocol")}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{place} cannot be read; run tools/evaluate_{name}.py again."
        ) from error


def about(run, data):
    """What every protocol says: which network, of which data, by which versions.

    Args:
      run: trained.Trained.
      data: datasets.Dataset.
    """
    return {
        "run": str(run.root),
        "checkpoint_step": run.step,
        "network": run.options.network.network,
        "network_sha256": checksum(run.model.network),
        "p_x_weight": run.options.objective.p_x_weight,
        "precision": hardware.precision(run.options.training.precision)[0],
        "dataset": run.options.data.dataset,
        "test_images": len(data.test.labels),
        "versions": _versions(),
    }


def checksum(network):
    """sha256 over the bytes of a network's weights, in their order."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def _to_tensorboard(folder, name, findings, pictures, step):
    from PIL import Image

    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=step):
        for key, value in findings.metrics.items():
            if np.isscalar(value) and not key.endswith("_std"):
                tf.summary.scalar(f"{name}/{key}", value)
        for tag, path in pictures.items():
            with Image.open(path) as picture:
                tf.summary.image(tag, np.asarray(picture.convert("RGB"))[None])
        protocol = json.dumps(findings.protocol, indent=2, default=str)
        tf.summary.text(f"{name}/protocol", f"```\n{protocol}\n```")
    writer.close()


def _finite(value):
    """The same, with None for what JSON cannot say: NaN and infinity."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
