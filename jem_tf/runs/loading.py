"""A trained run, read back: its model, and what it was trained with."""

import collections
import dataclasses
import pathlib

from jem_tf.runs import flagfiles, build, checkpoint_files, run_folder; from jem_tf.training import guard
from jem_tf.errors import InputError

Trained = collections.namedtuple("Trained", "root model options class_names step")


def load(path, *, best=False):
    """The model alone of a run, from a checkpoint of it that is whole.

    `jem_tf.load` is `predictor.load`, which wraps it for use.

    Args:
      path: RUN, the `--workdir` of the run.
      best: whether to take the best on validation of those kept, not the newest.

    Returns:
      JEM, with its weights and replay buffer; chains of it that start afresh do so from
      U(-1, 1), whatever the run's --start.

    Raises:
      InputError: if there is no run, none of this format, or none that has saved a
        checkpoint yet.
    """
    return read(path, best=best).model


def read(path, *, best=False, precision=None):
    """`load`, with what the run was trained with.

    Args:
      path, best: as in `load`.
      precision: a Keras dtype policy to compute in; the run's own if None.

    Returns:
      Trained(root: pathlib.Path, model: JEM, options: Options of the checkpoint,
      class_names: tuple, step: int, that of the checkpoint).

    Raises:
      InputError: as in `load`.
    """
    root = pathlib.Path(path)
    about = run_folder.about(root)
    if not about:
        raise InputError(f"{root} holds no run of jem_tf; name a --workdir of one.")
    place = checkpoint_files.newest_whole(root / "checkpoints", best=best)
    if place is None:
        kept = (
            "whole checkpoint"
            if checkpoint_files.steps(root / "checkpoints")
            else "checkpoint yet"
        )
        raise InputError(f"{root} has no {kept}; train longer.")
    standing = checkpoint_files.standing_of(place)
    opts = options(root, standing, precision)
    shape, num_classes = tuple(about["image_shape"]), len(about["class_names"])
    shards = [None] * standing["replicas"]
    buffer = build.buffer(opts, shape, num_classes, devices=shards)
    model = build.build(opts, shape, num_classes, buffer)
    checkpoint_files.restore(model, place, standing)
    names = tuple(about["class_names"])
    return Trained(root, model, opts, names, standing["step"])


def imported(root):
    """Whether a run's weights were trained elsewhere, see `pytorch.run`."""
    return (root / "results" / "import.json").exists()


def options(root, standing, precision=None):
    """The options that a checkpoint of a run was trained with, retries and all."""
    opts = guard.changed(
        flagfiles.from_flagfile(root / run_folder.FLAGS_FILE), standing.get("changes", {})
    )
    if precision is None:
        return opts
    training = dataclasses.replace(opts.training, precision=precision)
    return dataclasses.replace(opts, training=training)
