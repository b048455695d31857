"""Files of drawn images, named after their settings; all or none are written."""

import contextlib
import dataclasses
import hashlib
import json
import pathlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jem_tf import sampling
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import findings
from jem_tf.generation.pictures import Writer
from jem_tf.generation.request import Request, SamplingPlan
from jem_tf.runs import build
from jem_tf.runs.loading import TrainedRun
from jem_tf.system import files, texts

# Bytes of a name. Disks take 255, encrypted ones 143, and endings come to it.
LONGEST = 120


def name_files(request: Request, run: TrainedRun) -> str:
    """Makes a name such as "grid-step_7020-labels_cat,dog-seed_3".

    It has the settings that differ from their defaults. A long name, or one that does
    not spell the labels exactly, ends in a digest of these settings.
    """
    settings = {"step": run.step} | request.changed()
    words = [f"{key}_{_plain(value)}" for key, value in settings.items()]
    name = "-".join([request.mode, *words])
    exact = _plain(request.labels) == request.labels
    if exact and len(name.encode()) <= LONGEST:
        return name
    digest = hashlib.sha256(repr(settings).encode()).hexdigest()[:8]
    return f"{texts.cut(name, LONGEST - 9)}-{digest}"


def reserve(
    folder: pathlib.Path, stem: str, endings: Sequence[str]
) -> dict[str, pathlib.Path]:
    """Makes a folder, if need be, and returns the paths {ending: path} to write in it.

    Raises:
      InputError: if one of the files exists, or the folder cannot be written.
    """
    paths = {ending: folder / f"{stem}{ending}" for ending in endings}
    for path in paths.values():
        if path.exists():
            raise InputError(
                f"{path} exists; remove it, or name another {argument('out')}."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _unwritable(folder, error) from error
    return paths


def write_all(paths: Mapping[str, pathlib.Path], writers: Mapping[str, Writer]) -> None:
    """Writes all files or none: {ending: path}, {ending: writer}.

    Raises:
      InputError: if one cannot be written.
    """
    try:
        with contextlib.ExitStack() as stack:
            parts = {
                k: stack.enter_context(files.atomic_file(p)) for k, p in paths.items()
            }
            for ending, part in parts.items():
                writers[ending](part)
    except OSError as error:
        raise _unwritable(next(iter(paths.values())).parent, error) from error


def describe_settings(
    run: TrainedRun, request: Request, plan: SamplingPlan
) -> dict[str, Any]:
    """Describes all settings on which the images depend: {name: JSON value}."""
    return {
        **dataclasses.asdict(request),
        "start": plan.begin,
        "candidates": request.candidates or 1,
        "count": plan.n,
        "sampler": run.options.sampling.sampler,
        **plan.sampler.keywords,
        "chains_at_a_time": sampling.BATCH_SIZE,
        "checkpoint_step": run.step,
        "network_sha256": findings.weights_sha256(run.model.network),
        "precision": build.choose_precision(run.options)[0],
    }


def array_writer(
    drawn: sampling.Drawn, plan: SamplingPlan, settings: Mapping[str, Any]
) -> Writer:
    """Makes the writer of the .npz, which holds drawn images and their settings.

    images: uint8 [n, H, W, C].
    pixels: float32 [n, H, W, C], the same images before rounding, about in [-1, 1].
    energies: float32 [n], E(x) in nats.
    labels: int32 [n]; -1 for images drawn from p(x).
    settings: JSON in a string.
    seed: int.
    frames, frame_steps: of chains only, uint8 [F, n, H, W, C] and int32 [F].
    image, free: of inpaintings only, float32 [H, W, C] and bool [H, W, 1].

    Args:
      drawn: what `sampling.draw_many` returned.
      plan: the plan by which it was drawn.
      settings: what `describe_settings` returned.
    """
    labels = [-1] * plan.n if plan.labels is None else plan.labels
    arrays: dict[str, Any] = {
        "images": sampling.to_uint8(drawn.images),
        "pixels": drawn.images,
        "energies": drawn.energies,
        "labels": np.asarray(labels, "int32"),
        "seed": np.asarray(settings["seed"]),
        "settings": np.asarray(json.dumps(settings)),
    }
    if drawn.frames is not None:
        arrays |= {"frames": drawn.frames, "frame_steps": drawn.frame_steps}
    if plan.known is not None:
        arrays |= plan.known._asdict()

    def write(path):
        with open(path, "wb") as file:  # given a path, savez adds its own ending
            np.savez_compressed(file, **arrays)

    return write


def _plain(value: Any) -> str:
    return re.sub(r"[^\w.,]+", "_", str(value)).strip("_")


def _unwritable(folder: pathlib.Path, error: OSError) -> InputError:
    return InputError(
        f"{argument('out', folder)} cannot be written: {error.strerror or error}; "
        "name another."
    )
