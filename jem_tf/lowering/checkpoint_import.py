"""Makes a checkpoint of a run from the checkpoint of the runner."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jem_tf.errors import InputError, argument
from jem_tf.jem import JEM
from jem_tf.lowering import lowered_run, program
from jem_tf.options import Options, defining_options, replace
from jem_tf.runs import checkpoint_files
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import console, files
from jem_tf.training import guard, preparation
from jem_tf.training.loop import Plan


def import_checkpoint(opts: Options, path: str | pathlib.Path) -> TrainingState:
    """Saves what the runner reached as the newest checkpoint of the run.

    Args:
      opts: Options of the run.
      path: the runner's ckpt.npz.

    Returns:
      The state of the new checkpoint.

    Raises:
      InputError: if the file is unreadable, or of another run, other data or another
        model; if the run is as far; or if the readings are those of a divergence.
    """
    named = argument("lowered", path)
    manifest, arrays = _read(path)
    readings, seconds = arrays.pop("readings"), float(arrays.pop("seconds"))
    lowered_run.check_one_replica(opts)
    prepared = preparation.prepare(opts)
    with preparation.claimed_folder(prepared) as folder:
        watch = preparation.make_guard(prepared, folder)
        now = replace(prepared.options, watch.changes)
        watch.on_drift = lambda warning: console.say(guard.describe_drift(warning))
        _check_run(manifest, defining_options(now), prepared, named)
        model = preparation.make_trainable(
            now, prepared.data, prepared.plan.steps, prepared.team
        )
        saved = preparation.make_checkpoints(prepared, folder)
        # Variables that the program does not change are not in the runner's file.
        before = preparation.restore(saved, folder, model) or TrainingState(step=0)
        step = manifest["step"] + len(readings)
        if step > prepared.plan.steps:
            raise InputError(
                f"{named} has steps up to {step}, and the run ends at "
                f"{prepared.plan.steps}; let run.py stop there."
            )
        if not manifest["step"] <= before.step < step:
            raise InputError(
                f"{named} has the steps after {manifest['step']} up to {step}, and "
                f"{argument('workdir', folder)} is at step {before.step}; lower the "
                "run again to go on from there."
            )
        rows = [
            dict(zip(manifest["readings"], row, strict=True))
            for row in readings.tolist()
        ]
        state = _state_after(manifest, rows, prepared.plan, watch, named)
        _assign(model, arrays, named)
        state = dataclasses.replace(
            state, seed=model.seed, seconds=manifest["seconds"] + seconds
        )
        if not saved.save(model, state):
            raise InputError(
                f"{argument('workdir', folder)} cannot be written; make room."
            )
        if watch.warnings:
            watch.write()
    return state


def _read(path: str | pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The manifest, and the arrays by name."""
    named = argument("lowered", path)
    try:
        with np.load(files.expand(path)) as file:
            arrays = dict(file)
        manifest = json.loads(str(arrays.pop("manifest")))
        version = manifest["format"]
        complete = {"readings", "seconds"} <= set(arrays)
    except (*checkpoint_files.UNREADABLE, AttributeError) as error:
        raise InputError(
            f"{named} is no checkpoint of a lowered run ({error}); name the ckpt.npz "
            "that run.py wrote."
        ) from error
    if version > lowered_run.FORMAT or not complete:
        raise InputError(
            f"{named} has format {version}, and this jem_tf reads "
            f"{lowered_run.FORMAT}; upgrade jem_tf."
        )
    return manifest, arrays


def _check_run(
    manifest: Mapping[str, Any],
    options: Mapping[str, Any],
    prepared: preparation.Prepared,
    named: str,
) -> None:
    """Checks that what was lowered is this run."""
    before = manifest["options"]
    differ = [
        argument(name, before[name])
        for name in options
        if name in before and before[name] != options[name]
    ]
    if manifest["steps"] != prepared.plan.steps:
        differ.append(argument("steps", manifest["steps"]))
    if differ:
        raise InputError(
            f"{named} is of a run with {', '.join(differ)}; give it to that run."
        )
    assert prepared.description.digests
    if manifest["data"] != prepared.description.digests["train"]:
        raise InputError(
            f"{named} was trained on other images or labels than "
            f"{argument('dataset', prepared.options.data.dataset)} has here; give the "
            f"run's own data by {argument('data_dir', 'PLACE')}."
        )


def _state_after(
    manifest: Mapping[str, Any],
    rows: list[dict[str, float]],
    plan: Plan,
    watch: guard.Guard,
    named: str,
) -> TrainingState:
    """The state after the steps whose readings are given, as the loop would have it."""
    step, sums, count = manifest["step"], dict(manifest["sums"]), manifest["count"]
    watch.resume(manifest["streak"], manifest.get("drift", {}), retries=watch.retries)
    for readings in rows:
        if step % plan.steps_per_epoch == 0:
            sums, count = {}, 0
        step, count = step + 1, count + 1
        try:
            watch.watch(step, readings)
        except guard.Alarm as alarm:
            raise InputError(
                f"{named} has a run that diverged ({alarm}); train from the run's own "
                "checkpoint, or lower it with other options."
            ) from alarm
        for name, value in readings.items():
            sums[name] = sums.get(name, 0.0) + value
    if plan.ends_epoch(step):
        sums, count = {}, 0
    return TrainingState(
        step=step,
        retries=watch.retries,
        changes=watch.changes,
        good=watch.good,
        streak=watch.streak,
        drift=watch.memory,
        sums=sums,
        count=count,
    )


def _assign(model: JEM, arrays: Mapping[str, np.ndarray], named: str) -> None:
    """Gives the model's variables their values."""
    variables = program.variables_of(model)
    arrays = {name: x for name, x in arrays.items() if name != program.STEP}
    strange = sorted(set(arrays) - set(variables))
    if strange:
        raise InputError(f"{named} has {strange[0]}, which is not in the run's model.")
    for name, value in arrays.items():
        variable = variables[name]
        shape, dtype = tuple(variable.shape), variable.dtype.as_numpy_dtype
        if (value.shape, value.dtype) != (shape, np.dtype(dtype)):
            raise InputError(
                f"{named} has {name} as {value.dtype}{list(value.shape)}, and the "
                f"run's model as {np.dtype(dtype)}{list(shape)}."
            )
    for name, value in arrays.items():
        variables[name].assign(value)
