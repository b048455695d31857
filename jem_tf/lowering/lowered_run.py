"""Lowers a run: writes the folder that the runner trains from.

FOLDER/step.stablehlo   the program, as text
       manifest.json    its arguments and readings, and which run it is of
       state.npz        the variables' values when it was lowered, and the constants
       data.npz         training images uint8 [N, H, W, C] and labels int32 [N]
       run.py           the runner, a copy of `runner.py`
       ckpt.npz         what the runner writes: variables, and the readings [n, R] of
                        the steps since then
"""

import dataclasses
import pathlib
import shutil
from typing import Any

import numpy as np
import tensorflow as tf

import jem_tf
from jem_tf.datasets import Split, batches
from jem_tf.errors import InputError, argument
from jem_tf.lowering import program
from jem_tf.lowering.index_shuffle import index_shuffle
from jem_tf.options import Options, defining_options, replace
from jem_tf.runs import build, checkpoint_files, run_folder
from jem_tf.runs.run_folder import RunFolder
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import files
from jem_tf.training import preparation

FORMAT = 1  # of a lowered folder; the import refuses a newer one
RUNNER = pathlib.Path(__file__).with_name("runner.py")


def lower_run(
    opts: Options,
    out: str | pathlib.Path,
    *,
    data_file: str | pathlib.Path = "",
) -> dict[str, Any]:
    """Lowers a run from its newest checkpoint, or from its start, into a folder.

    A run that does not exist yet is begun: its folder is made, without a checkpoint.

    Args:
      opts: the run's options; `steps_per_execution` is the program's.
      out: FOLDER, which is empty or does not exist.
      data_file: the file of the training images. If it exists, it must hold this run's;
        several lowered runs can share it. Empty: FOLDER/data.npz.

    Returns:
      The manifest.

    Raises:
      InputError: if something the user gave is wrong, or the run is at its end.
    """
    check_one_replica(opts)
    root, named = files.expand(out), argument("out", out)
    if not files.is_free(root):
        raise InputError(f"{named} holds something already; name another.")
    prepared = preparation.prepare(opts)
    images = prepared.data.train
    if data_file:
        _write_data(files.expand(data_file), images, prepared.description.digests)
    with preparation.claimed_folder(prepared) as folder:
        lowered, manifest = _lower(prepared, folder)
    try:
        with files.atomic_folder(root) as part:
            (part / "step.stablehlo").write_text(lowered.text)
            files.write_json(part / "manifest.json", manifest)
            _write_state(part / "state.npz", lowered.values)
            shutil.copyfile(RUNNER, part / "run.py")
            if not data_file:
                _write_data(part / "data.npz", images, prepared.description.digests)
    except OSError as error:
        raise InputError(f"{named} cannot be written: {error.strerror}.") from error
    return manifest


def check_one_replica(opts: Options) -> None:
    """Raises InputError for a run on several replicas."""
    if opts.training.strategy != "default":
        raise InputError(
            f"{argument('strategy', opts.training.strategy)} has several replicas; a "
            f"lowered step has one: give {argument('strategy', 'default')}."
        )


def _lower(
    prepared: preparation.Prepared, folder: RunFolder
) -> tuple[program.Program, dict[str, Any]]:
    watch = preparation.make_guard(prepared, folder)
    now = replace(prepared.options, watch.changes)
    data, steps = prepared.data, prepared.plan.steps
    plain = replace(now, {"jit_compile": "false"})  # the whole program is compiled
    model = preparation.make_trainable(plain, data, steps, prepared.team)
    saved = preparation.make_checkpoints(prepared, folder)
    if watch.retries:
        saved.forget(after=watch.last_target, retries=watch.retries)
    state = preparation.restore(saved, folder, model) or TrainingState(step=0)
    watch.resume(state.streak, state.drift, retries=state.retries)
    state = dataclasses.replace(state, drift=watch.memory)
    if state.step >= steps:
        raise InputError(
            f"{argument('workdir', folder)} has taken all its {steps} steps already."
        )
    batch = batches.share_maker(
        data, **build.batch_arguments(now), shuffle=index_shuffle
    )
    images, labels = data.train
    lowered = program.lower(
        model,
        batch,
        tf.constant(images, tf.uint8),
        tf.constant(labels, tf.int32),
        step=state.step,
        steps_per_execution=now.training.steps_per_execution,
    )
    return lowered, _describe(prepared, now, state, lowered)


def _describe(
    prepared: preparation.Prepared,
    now: Options,
    state: TrainingState,
    lowered: program.Program,
) -> dict[str, Any]:
    """The manifest."""
    assert prepared.description.digests
    return {
        "format": FORMAT,
        "version": jem_tf.__version__,
        "arguments": [each._asdict() for each in lowered.arguments],
        "readings": lowered.readings,
        "step": state.step,
        "sums": state.sums,
        "count": state.count,
        "streak": state.streak,
        "drift": state.drift,
        "seconds": state.seconds,
        "steps": prepared.plan.steps,
        "steps_per_execution": now.training.steps_per_execution,
        "checkpoint_every": prepared.plan.checkpoint_every,
        "precision": build.choose_precision(now)[0],
        "seed": now.training.seed,
        "data": prepared.description.digests["train"],
        "options": defining_options(now),
    }


def _write_state(path: pathlib.Path, values: dict[str, np.ndarray]) -> None:
    """Writes the variables, compressed: the optimizer's slots begin as zeros."""
    with path.open("wb") as file:
        np.savez_compressed(file, **values)  # type: ignore[arg-type]


def _write_data(
    path: pathlib.Path, images: Split, digests: dict[str, str] | None
) -> None:
    """Writes the training images, unless they are there."""
    named, digest = argument("data", path), (digests or {})["train"]
    try:
        if path.exists():
            with np.load(path) as file:
                there = run_folder.digest(file["images"], file["labels"])
            if there != digest:
                raise InputError(f"{named} holds other images; name another file.")
            return
        arrays = {"images": np.asarray(images.images), "labels": images.labels}
        with files.atomic_file(path) as part, part.open("wb") as file:
            np.savez(file, **arrays)
    except InputError:
        raise
    except (*checkpoint_files.UNREADABLE, AttributeError) as error:
        raise InputError(f"{named} cannot be used: {error}") from error
