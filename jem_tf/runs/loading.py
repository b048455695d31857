"""A trained run, read back: its model, its options, and the data it was trained on."""

import dataclasses
import pathlib
from typing import Any, NamedTuple

from jem_tf import datasets
from jem_tf.errors import InputError, argument
from jem_tf.jem import JEM
from jem_tf.options import Options, replace
from jem_tf.runs import build, checkpoint_files, flagfiles
from jem_tf.runs.run_folder import RunFolder, not_a_run, sizes_of
from jem_tf.runs.training_state import TrainingState


class TrainedRun(NamedTuple):
    """A run at one of its checkpoints, with the options and step of the checkpoint."""

    folder: RunFolder
    model: JEM
    options: Options
    class_names: tuple[str, ...]
    step: int


def read_run(
    path: str | pathlib.Path, *, best: bool = False, precision: str | None = None
) -> TrainedRun:
    """Reads a run back, from a checkpoint that is whole.

    Args:
      path: RUN, the folder of the run.
      best: whether to take the checkpoint with the best accuracy on validation, not the
        newest.
      precision: a Keras dtype policy to compute in; the run's own if None.

    Returns:
      TrainedRun. Its model has the weights and the replay buffer. Chains of the buffer
      that start afresh start from U(-1, 1), whatever the run's `start`.

    Raises:
      InputError: if the folder holds no run, or a run of a newer format, or the run has
        no whole checkpoint.
    """
    folder = RunFolder(path)
    description = folder.read_description()
    if description is None:
        raise not_a_run(path)
    checkpoint = checkpoint_files.find_whole(folder.checkpoints, best=best)
    if checkpoint is None:
        some = checkpoint_files.list_steps(folder.checkpoints)
        kind = "whole checkpoint" if some else "checkpoint yet"
        raise InputError(f"{path} has no {kind}; train longer.")
    state = checkpoint_files.read_state(checkpoint)
    opts = read_options(folder, state, precision)
    shape, num_classes = description.image_shape, len(description.class_names)
    shards = [None] * state.replicas
    buffer = build.make_buffer(opts, shape, num_classes, devices=shards)
    model = build.make_model(opts, shape, num_classes, buffer)
    checkpoint_files.restore(model, checkpoint, state)
    return TrainedRun(folder, model, opts, description.class_names, state.step)


def read_options(
    folder: RunFolder, state: TrainingState, precision: str | None = None
) -> Options:
    """The options that a checkpoint was trained with, as its retries changed them."""
    changes = state.changes | ({"precision": precision} if precision else {})
    return replace(flagfiles.from_flagfile(folder.flags_file), changes)


def read_data(run: TrainedRun, data_dir: str = "") -> Any:
    """Loads the data set that a run was trained on.

    Args:
      run: TrainedRun.
      data_dir: a folder of prepared TFDS data; the run's own if empty.

    Returns:
      datasets.Dataset.

    Raises:
      InputError: if the data set is absent, or has other classes or images than the run
        was trained on.
    """
    options = run.options.data
    if data_dir:
        options = dataclasses.replace(options, data_dir=data_dir)
    data = datasets.load(
        options.dataset, data_dir=options.data_dir, image_size=options.image_size
    )
    remedy = f"give its data by {argument('data_dir')}."
    if data.class_names != run.class_names:
        raise InputError(
            f"{run.folder} was trained on other classes than {options.dataset} has "
            f"here; {remedy}"
        )
    description = run.folder.read_description()
    before, now = description and description.sizes, sizes_of(data)
    # Which images were held out when imported weights were trained is unknown anyway.
    if before != now and not run.folder.is_imported:
        raise InputError(
            f"{run.folder} was trained on other images ({before}) than "
            f"{options.dataset} has here ({now}), so what it has not seen is not "
            f"known; {remedy}"
        )
    return data
