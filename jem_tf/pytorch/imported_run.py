"""A run of jem_tf made of a checkpoint of the JEM authors' code, for every tool.

Its flags are the paper's recipe, which their code trains by default, in float32. It is
there to be measured, sampled and served, not to be trained on: their checkpoints have
no optimiser.
"""

import hashlib
import pathlib

import numpy as np
import tensorflow as tf

from jem_tf import replay
from jem_tf.datasets import paper_sets
from jem_tf.errors import InputError
from jem_tf.options import Data, Network, Options, Sampling, Training
from jem_tf.pytorch.conversion import IMAGE_SHAPE
from jem_tf.runs import build, checkpoints, run_folder
from jem_tf.system import files
from jem_tf.training import cluster

BY_CLASSES = {10: "cifar10", 100: "cifar100"}
VALIDATION = (
    "jem_tf holds out other images for validation than the authors' code does: most of "
    "them were trained on, and what is chosen by them is too sure"
)
NO_OPTIMIZER = {"optimizer": "PyTorch's, not imported"}  # so none trains on
STANDING = {  # at step 0: nobody knows how many steps theirs took
    "step": 0,
    "seed": 0,
    "retries": 0,
    "changes": {},
    "good": True,
    "val_accuracy": None,
}


def write(path, original, source, *, dataset="", data_dir=""):
    """Makes a run, which appears whole or not at all.

    Args:
      path: RUN, a folder that is empty or not there.
      original: `conversion.Original`.
      source: the file that it was read from.
      dataset: what it was trained on; if empty, cifar10 or cifar100 by the number of
        classes. Of a set that is not in `paper_sets.SETS` the images must be at hand.
      data_dir: prepared TFDS data.

    Returns:
      {what: value} of what was imported, as in RUN/results/import.json.

    Raises:
      InputError: if RUN holds something or cannot be written, or the data set has other
        classes or images.
    """
    opts, outline = _described(original, source, dataset, data_dir)
    root, flag = pathlib.Path(path).resolve(), f"--workdir={path}"
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise InputError(f"{flag} holds something already; name another.")
    run_folder.check(path, opts)
    model = _model(opts, original)
    note = _note(original, source, opts, model)
    with files.atomic_folder(root) as part, run_folder.claim(part, opts):
        run_folder.note(part, *outline)
        files.write_json(part / "results" / "import.json", note)
        keeper = checkpoints.Checkpoints(
            part / "checkpoints",
            cluster.Cluster(tf.distribute.get_strategy()),
            keep=1,
            about=checkpoints.about(opts, IMAGE_SHAPE, original.num_classes)
            | NO_OPTIMIZER,
        )
        if not keeper.save(model, STANDING):
            raise InputError(f"{flag} cannot be written; make room or name another.")
    return note


def _described(original, source, dataset, data_dir):
    """-> (Options, paper_sets.Description)."""
    classes = original.num_classes
    dataset = dataset or BY_CLASSES.get(classes)
    if not dataset:
        raise InputError(
            f"{source} has {classes} classes; say by --dataset what it was trained on."
        )
    size = 0 if dataset in paper_sets.SETS else IMAGE_SHAPE[0]
    outline = paper_sets.describe(dataset, data_dir=data_dir, image_size=size)
    theirs = (len(outline.class_names), outline.image_shape)
    if theirs != (classes, IMAGE_SHAPE):
        raise InputError(
            f"--dataset={dataset} has {theirs[0]} classes of images {theirs[1]}, and "
            f"{source} {classes} of {IMAGE_SHAPE}; say what it was trained on."
        )
    sampling = Sampling()
    if original.images is not None:
        sampling = Sampling(buffer_size=len(original.images))
    opts = Options(
        data=Data(dataset=dataset, data_dir=data_dir, image_size=size),
        network=Network(network=original.network),
        sampling=sampling,
        training=Training(precision="float32"),
    )
    return opts, outline


def _model(opts, original):
    buffer = build.make_buffer(opts, IMAGE_SHAPE, original.num_classes)
    if original.images is not None:
        ages = np.full(len(original.images), replay.UNKNOWN_AGE, np.int32)
        buffer.restore([original.images], [ages])
    model = build.make_model(opts, IMAGE_SHAPE, original.num_classes, buffer)
    for layer, weights in original.weights.items():
        model.network.get_layer(layer).set_weights(weights)
    return model


def _note(original, source, opts, model):
    path = pathlib.Path(source)
    return {
        "source": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "network": original.network,
        "parameters": model.network.count_params(),
        "dataset": opts.data.dataset,
        "classes": original.num_classes,
        "buffer_images": 0 if original.images is None else len(original.images),
        "validation": VALIDATION,
    }
