"""Trained networks that a run may start from: of a run, Keras file or SavedModel."""

import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument, first_line
from jem_tf.runs import checkpoint_files, loading, pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import files


class Source(NamedTuple):
    """A trained network, as far as a file says what it is.

    weights: [(layer, weight, value)] in the order of Keras's `Model.weights`.
    logits: from images float32 [B, H, W, C] in [-1, 1] to logits [B, K].
    network: the `keras.Model`; None of a SavedModel, which has no layers.
    run: the folder of the run that it is of, or None.
    generative: whether it learned log p(x) or log p(x, y); False where the file does
      not say, as of a network that was saved without its JEM.
    """

    weights: list[tuple[str, str, np.ndarray]]
    logits: Callable[[tf.Tensor], tf.Tensor]
    network: keras.Model | None = None
    run: RunFolder | None = None
    generative: bool = False

    @property
    def normalised(self) -> bool:
        """Whether it has batch normalisation."""
        return any(name == "moving_variance" for _, name, _ in self.weights)


def read_source(init: str) -> Source:
    """Reads what `init` names: a run or pretrained model, a Keras file, a SavedModel.

    Raises:
      InputError: if it is none of these, or cannot be read.
    """
    path = pretrained_models.find(init) or files.expand(init)
    if RunFolder(path).flags_file.is_file():
        run = loading.read_run(path, precision="float32")
        source, generative = of_network(run.model.network), run.model.generative
        return source._replace(run=run.folder, generative=generative)
    try:
        if path.is_file():
            model = keras.models.load_model(path, compile=False)
            source = of_network(getattr(model, "network", model))  # a JEM's own
            return source._replace(generative=getattr(model, "generative", False))
        if (path / "saved_model.pb").is_file():
            return _of_saved_model(path)
    except (*checkpoint_files.UNREADABLE, AttributeError) as error:
        why = first_line(error)
        raise InputError(
            f"{argument('init', init)} cannot be read ({why}); give a run, a .keras "
            "file, or a SavedModel that Keras's export wrote."
        ) from error
    raise InputError(
        f"{argument('init', init)} is no run, .keras file or SavedModel; name one."
    )


def of_network(network: keras.Model) -> Source:
    """What a Keras network says of itself."""
    weights = [
        (weight.path.rpartition("/")[0], weight.name, np.asarray(weight))
        for weight in network.weights
    ]
    return Source(weights, lambda x: network(x, training=False), network)


def _of_saved_model(path: pathlib.Path) -> Source:
    saved, weights = tf.saved_model.load(str(path)), []
    if not hasattr(saved, "serve"):
        raise ValueError("it has no endpoint called serve")
    for variable in saved.variables:
        layer, _, name = variable.name.partition(":")[0].rpartition("/")
        weights.append((layer, name, variable.numpy()))
    return Source(weights, lambda x: saved.serve(x))  # which keeps its variables alive
