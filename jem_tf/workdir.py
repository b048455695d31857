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


def claim(path, options):
    """Makes the folder of a run, or finds it made by a run of the same flags.

    Returns:
      pathlib.Path of it.

    Raises:
      InputError: if it holds a run of other flags, something else, or cannot be
        written.
    """
    root = pathlib.Path(path)
    text, written = flagfiles.to_flagfile(options), root / FLAGS_FILE
    try:
        if written.is_file():
            _same(text, written.read_text(), root)
        elif root.is_dir() and any(root.iterdir()):
            raise InputError(
                f"--workdir={root} holds something that is no run; name another."
            )
        for part in PARTS:
            (root / part).mkdir(parents=True, exist_ok=True)
        write(written, text)
    except OSError as error:
        raise InputError(
            f"--workdir={root} cannot be written ({error.strerror}); name another."
        ) from error
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
      JEM, with its weights and replay buffer.

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


def _same(ours, theirs, root):
    ours, theirs = ours.splitlines(), theirs.splitlines()
    if ours != theirs:
        here = sorted(set(theirs) - set(ours))
        raise InputError(
            f"--workdir={root} holds another run ({', '.join(here) or 'fewer flags'}); "
            "name another, or give the same flags."
        )
