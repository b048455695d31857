"""Where a run keeps its things, and how they get there whole.

RUN/run.flags           replays the run exactly
RUN/data.json           image shape, class names and sizes of what it was trained on
RUN/checkpoints/        weights, optimiser and replay buffer
RUN/tensorboard/        scalars, pictures, hyper-parameters
RUN/results/*.json      numbers, flat keys
RUN/figures/*.png       pictures
"""

import json
import os
import pathlib

import tensorflow as tf

from jem_tf import flagfiles, recipe
from jem_tf.errors import InputError

FLAGS_FILE, DATA_FILE = "run.flags", "data.json"
PARTS = ("checkpoints", "tensorboard", "results", "figures")


def check(path, options):
    """Sees whether a run of these options may have the folder, and touches nothing.

    Raises:
      InputError: if it holds a run or something else, or cannot be written.
    """
    root, flag = pathlib.Path(path), f"--workdir={path}"
    flags_file = root / FLAGS_FILE
    try:
        if flags_file.is_file():
            _same(flagfiles.to_flagfile(options), flags_file.read_text(), flag)
            if tf.train.latest_checkpoint(root / "checkpoints"):
                raise InputError(
                    f"{flag} holds this very run; delete it or name another."
                )
        elif root.is_dir() and any(root.iterdir()):
            raise InputError(f"{flag} holds something that is no run; name another.")
        there = next(
            place for place in (root, *root.absolute().parents) if place.exists()
        )
    except OSError as error:
        raise _unwritable(flag, error.strerror) from error
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise _unwritable(flag, f"{there} is not a folder to write to")


def claim(path, options):
    """Makes the folder of a run, or raises InputError as `check` -> pathlib.Path."""
    check(path, options)
    root = pathlib.Path(path)
    try:
        for part in PARTS:
            (root / part).mkdir(parents=True, exist_ok=True)
        write(root / FLAGS_FILE, flagfiles.to_flagfile(options))
    except OSError as error:
        raise _unwritable(f"--workdir={root}", error.strerror) from error
    return root


def write(path, text):
    """Writes a text file whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_json(path, values):
    """Writes {key: value} as JSON, whole or not at all."""
    write(path, json.dumps(values, indent=2) + "\n")


def describe(root, data):
    """Writes down what `load` needs to know of the data set."""
    sizes = {
        name: len(getattr(data, name).labels)
        for name in ("train", "validation", "test")
    }
    shape = data.train.images.shape[1:].as_list()
    about = {"image_shape": shape, "class_names": data.class_names, "sizes": sizes}
    write_json(root / DATA_FILE, about)


def checkpoint(model):
    """What a checkpoint of a run holds."""
    return tf.train.Checkpoint(
        network=model.network,
        **({"buffer": model.buffer} if model.generative else {}),
        **({"optimizer": model.optimizer} if model.compiled else {}),
    )


def load(path):
    """The trained model of a run, from its newest checkpoint.

    Args:
      path: RUN, the `--workdir` of the run.

    Returns:
      JEM, with its weights and replay buffer; chains of it that start afresh do so from
      U(-1, 1), whatever the run's --start.

    Raises:
      InputError: if there is no run, or none that has saved a checkpoint yet.
    """
    root = pathlib.Path(path)
    try:
        about = json.loads((root / DATA_FILE).read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{root} holds no run of jem_tf; name a --workdir of one."
        ) from error
    newest = tf.train.latest_checkpoint(root / "checkpoints")
    if newest is None:
        raise InputError(f"{root} has no checkpoint yet; train longer.")
    shape, num_classes = tuple(about["image_shape"]), len(about["class_names"])
    shards = [
        name for name, _ in tf.train.list_variables(newest) if "buffer/shard_" in name
    ]
    opts = flagfiles.from_flagfile(root / FLAGS_FILE)
    buffer = recipe.buffer(opts, shape, num_classes, devices=[None] * len(shards))
    model = recipe.build(opts, shape, num_classes, buffer)
    checkpoint(model).restore(newest).assert_existing_objects_matched()
    return model


def _same(ours, theirs, flag):
    ours, theirs = ours.splitlines(), theirs.splitlines()
    if ours != theirs:
        here = sorted(set(theirs) - set(ours))
        raise InputError(
            f"{flag} holds another run ({', '.join(here) or 'of fewer flags'}); "
            "name another, or give the same flags."
        )


def _unwritable(flag, why):
    return InputError(f"{flag} cannot be written ({why}); name another.")
