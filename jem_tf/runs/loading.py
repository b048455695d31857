"""A trained run, read back: its model, its options, and the data it was trained on."""

import os
import pathlib
from typing import NamedTuple

import numpy as np

from jem_tf import datasets
from jem_tf.errors import InputError, argument
from jem_tf.jem import JEM
from jem_tf.options import PRECISIONS, Data, Options, replace
from jem_tf.runs import build, checkpoint_files, flagfiles, pretrained_models
from jem_tf.runs.run_folder import (
    DataDescription,
    RunFolder,
    describe,
    not_a_run,
    remedy,
)
from jem_tf.runs.training_state import TrainingState

# Names that meant no mirroring before `--flip`, when the exact spelling decided.
FORMER_NEVER_FLIPPED = "digits mnist svhn svhn_cropped emnist kmnist".split()


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
      path: RUN, the folder of the run, or the name of a pretrained model.
      best: whether to take the checkpoint with the best accuracy on validation, not the
        newest.
      precision: a Keras dtype policy to compute in; the run's own if None.

    Returns:
      TrainedRun. Its model has the replay buffer and the weights, which are averages if
      the run averages them (`Training.ema`). Chains of the buffer
      that start afresh start from U(-1, 1), whatever the run's `start`.

    Raises:
      InputError: if the folder holds no run, or a run of a newer format, or the run has
        no whole checkpoint, or its weights are not finite.
    """
    folder = RunFolder(pretrained_models.find(path) or path)
    description = None if folder.root.is_file() else folder.read_description()
    if description is None:
        raise not_a_run(path, pretrained_models.describe_names(path))
    checkpoint = find_checkpoint(folder, best=best)
    state = checkpoint_files.read_state(checkpoint)
    opts = read_options(folder, state, precision)
    shape, num_classes = description.image_shape, len(description.class_names)
    shards = [None] * state.replicas
    buffer = build.make_buffer(opts, shape, num_classes, devices=shards)
    model = build.make_model(opts, shape, num_classes, buffer)
    checkpoint_files.restore(model, checkpoint, state)
    if opts.training.ema:
        checkpoint_files.restore_averages(model, checkpoint)
    if not all(np.isfinite(weight).all() for weight in model.network.get_weights()):
        earlier = f"give an earlier checkpoint by {argument('best', True)}, or "
        raise InputError(
            f"{folder} diverged: at step {state.step} a weight is not finite; "
            f"{'' if best else earlier}train it anew."
        )
    return TrainedRun(folder, model, opts, description.class_names, state.step)


def find_checkpoint(folder: RunFolder, *, best: bool = False) -> pathlib.Path:
    """Finds the newest whole checkpoint of a run, or the best one on validation.

    Raises:
      InputError: if there is none.
    """
    checkpoint = checkpoint_files.find_whole(folder.checkpoints, best=best)
    if checkpoint is None:
        if folder.calibration.is_file():
            raise InputError(
                f"{folder} has no whole checkpoint; take the whole folder from where "
                "it was packed."
            )
        some = checkpoint_files.list_steps(folder.checkpoints)
        kind = "whole checkpoint" if some else "checkpoint yet"
        raise InputError(f"{folder} has no {kind}; train longer.")
    return checkpoint


def read_options(
    folder: RunFolder, state: TrainingState, precision: str | None = None
) -> Options:
    """The options that a checkpoint was trained with, as its retries changed them."""
    changes = state.changes | ({"precision": precision} if precision else {})
    if precision and precision != "auto":
        check_precision(precision)
    return replace(flagfiles.from_flagfile(folder.flags_file), changes)


def check_precision(precision: str) -> None:
    """Raises InputError unless it is one of `options.PRECISIONS`."""
    if precision not in PRECISIONS:
        raise InputError(
            f"{argument('precision', precision)} is not known; choose one of "
            f"{', '.join(PRECISIONS)}."
        )


def read_data(run: TrainedRun, data_dir: str = "") -> datasets.Dataset:
    """Loads the data set that a run was trained on.

    Args:
      run: TrainedRun.
      data_dir: a folder of prepared TFDS data, or the place where a folder of pictures
        is now; if empty, where the run had it.

    Raises:
      InputError: if the data set is absent or moved, or has other classes, images or
        labels than the run was trained on.
    """
    before, options = run.folder.read_description(), run.options.data
    if before is None:
        raise not_a_run(run.folder.root)
    data_dir = find_data_dir(options, before, data_dir)
    data = load_data(options, before, data_dir)
    now = describe(data)
    if now.class_names != run.class_names:
        raise InputError(
            f"{run.folder} was trained on other classes than {options.dataset} has "
            f"here; {remedy(before)}."
        )
    if run.folder.is_imported:  # which images were held out is unknown
        return data
    if before.sizes != now.sizes:
        raise InputError(
            f"{run.folder} was trained on other images ({before.sizes}) than "
            f"{options.dataset} has here ({now.sizes}), so what it has not seen is not "
            f"known; {remedy(before)}."
        )
    if changed := before.changed_splits(now):
        raise InputError(
            f"{run.folder} was trained on other data than {options.dataset} has here "
            f"(as many, but other images or labels to {', '.join(changed)}), so what "
            f"it has not seen is not known; {remedy(before)}."
        )
    return data


def load_data(
    options: Data, before: DataDescription | None = None, data_dir: str = ""
) -> datasets.Dataset:
    """Loads the data set that options name, mirrored or not as they say.

    Args:
      options: Data.
      before: what the run was trained on, if there is one already. Classes of a folder
        come in its order: earlier versions sorted "10" before "2".
      data_dir: as `find_data_dir` returned it.

    Raises:
      InputError: as `datasets.load` does.
    """
    data = datasets.load(
        options.dataset,
        data_dir=data_dir,
        image_size=options.image_size,
        class_names=before.class_names if before else (),
    )
    if options.flip != "auto":
        return data._replace(flip=options.flip == "true")
    if before is None:
        return data
    if before.flip is None:  # a run of before goes on as it was begun
        return data._replace(flip=options.dataset not in FORMER_NEVER_FLIPPED)
    return data._replace(flip=before.flip)


def find_data_dir(
    options: Data, before: DataDescription | None = None, data_dir: str = ""
) -> str:
    """Finds where a run's data are: a `data_dir` for `datasets.load`.

    Args:
      options: Data.
      before: what the run was trained on, if there is one already. Where the options'
        own path is not found, as a relative one from another folder, its place is.
      data_dir: what the user says; "" for nothing.

    Raises:
      InputError: if the run's folder is at neither place, as it was moved.
    """
    if data_dir:
        return data_dir
    own = datasets.place_of(options.dataset, options.data_dir)
    if not before or not own or os.path.isdir(own):
        return options.data_dir
    if os.path.isdir(before.place):
        return before.place
    raise InputError(
        f"the run was trained on the data in {before.place or own}, which is not there "
        f"any more; name their new place by {argument('data_dir', 'PLACE')}."
    )
