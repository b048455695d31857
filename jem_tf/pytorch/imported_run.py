"""Makes a run of jem_tf from a checkpoint of the JEM authors' PyTorch code.

Its options are the paper's recipe, which is the default of the authors' code, in
float32. The run can be measured, sampled and served. It cannot be trained further,
because the checkpoints have no state of the optimiser.
"""

import hashlib
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import replay
from jem_tf.datasets import paper_set_info
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.jem import JEM
from jem_tf.options import Data, Network, Options, Sampling, Training
from jem_tf.pytorch.conversion import IMAGE_SHAPE, Original
from jem_tf.runs import build, checkpoint_manager, run_lock
from jem_tf.runs.run_folder import DataDescription
from jem_tf.runs.training_state import TrainingState
from jem_tf.system import files
from jem_tf.training import cluster

BY_CLASSES = {10: "cifar10", 100: "cifar100"}
VALIDATION = (
    "jem_tf holds out other images for validation than the authors' code does: most of "
    "them were trained on, and what is chosen by them is too sure"
)
NO_OPTIMIZER = {"optimizer": "PyTorch's, not imported"}  # no training continues it
STATE = TrainingState(step=0)  # how many steps the authors' run took is unknown


def write_run(
    path: str | pathlib.Path,
    original: Original,
    source: str | pathlib.Path,
    *,
    dataset: str = "",
    data_dir: str = "",
) -> dict[str, Any]:
    """Makes the folder of a run, whole or not at all.

    Args:
      path: RUN, a folder that is empty or does not exist.
      original: what `read_checkpoint` returned.
      source: the file that it was read from.
      dataset: name of the data set that the network was trained on; if empty, cifar10
        or cifar100 by the number of classes. A set that is not in
        `paper_set_info.SETS` is loaded, so its images must be available.
      data_dir: folder of prepared TFDS data.

    Returns:
      {name: value}, facts about the import, as in RUN/results/import.json.

    Raises:
      InputError: if RUN holds something or cannot be written, or the data set has other
        classes or images.
    """
    opts, description = _describe(original, source, dataset, data_dir)
    root, named = files.expand(path).resolve(), argument("path", path)
    if not files.is_free(root):
        raise InputError(f"{named} holds something already; name another.")
    with arguments_renamed(workdir="path"):
        run_lock.check(str(path), opts)
    model = _model(opts, original)
    note = _note(original, source, opts, model)
    facts = checkpoint_manager.model_facts(opts, IMAGE_SHAPE, original.num_classes)
    with files.atomic_folder(root) as part, run_lock.claim(part, opts) as folder:
        folder.describe_data(DataDescription(*description))
        files.write_json(folder.import_file, note)
        saved = checkpoint_manager.Checkpoints(
            folder.checkpoints,
            cluster.Cluster(tf.distribute.get_strategy()),
            keep=1,
            facts=facts | NO_OPTIMIZER,
        )
        if not saved.save(model, STATE):
            raise InputError(f"{named} cannot be written; make room or name another.")
    return note


def _describe(
    original: Original, source: str | pathlib.Path, dataset: str, data_dir: str
) -> tuple[Options, paper_set_info.Description]:
    classes = original.num_classes
    dataset = dataset or BY_CLASSES.get(classes, "")
    if not dataset:
        raise InputError(
            f"{source} has {classes} classes; name its training data by "
            f"{argument('dataset')}."
        )
    size = 0 if paper_set_info.find_known(dataset) else IMAGE_SHAPE[0]
    with arguments_renamed(name="dataset"):
        description = paper_set_info.describe(
            dataset, data_dir=data_dir, image_size=size
        )
    expected = (len(description.class_names), description.image_shape)
    if expected != (classes, IMAGE_SHAPE):
        raise InputError(
            f"{argument('dataset', dataset)} has {expected[0]} classes of images "
            f"{expected[1]}, and {source} has {classes} of {IMAGE_SHAPE}; name "
            "its training data."
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
    return opts, description


def _model(opts: Options, original: Original) -> JEM:
    buffer = build.make_buffer(opts, IMAGE_SHAPE, original.num_classes)
    if original.images is not None and buffer is not None:
        ages = np.full(len(original.images), replay.UNKNOWN_AGE, np.int32)
        buffer.restore([original.images], [ages])
    model = build.make_model(opts, IMAGE_SHAPE, original.num_classes, buffer)
    for layer, weights in original.weights.items():
        model.network.get_layer(layer).set_weights(weights)
    return model


def _note(
    original: Original, source: str | pathlib.Path, opts: Options, model: JEM
) -> dict[str, Any]:
    path = files.expand(source)
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
