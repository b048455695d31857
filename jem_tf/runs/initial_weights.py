"""Weights that a run starts from: those of a run, a Keras file or a SavedModel.

They are read once and kept in the run's folder, which then needs their source no more.
"""

import pathlib
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jem_tf import networks, pixels
from jem_tf.datasets import Dataset
from jem_tf.errors import InputError, argument, arguments_renamed
from jem_tf.options import Options, replace
from jem_tf.runs import (
    build,
    initial_sources,
    int8_weights,
    loading,
)
from jem_tf.runs.initial_sources import Source
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import files

SHOWN, CENTRED = 16, 1000  # training images that are compared, and whose E is centred
TOLERANCE = 0.1  # of the largest logit, for differences of rounding in bfloat16


class Initial(NamedTuple):
    """Values of a network's weights, in their order.

    weights: what training starts from.
    classifier: those of the plain classifier that it descends from, one run after
      another; None if it is not known.
    """

    weights: list[np.ndarray]
    classifier: list[np.ndarray] | None


def read(opts: Options, data: Dataset) -> Initial:
    """Reads the initial weights that `init` names, for the network of the options.

    Batch normalisation is folded unless the options' norm is of its kind. Where images
    are drawn, E(x) is shifted to a mean of 0 over training images.

    Args:
      opts: Options.
      data: what the run learns from.

    Returns:
      `Initial`.

    Raises:
      InputError: if there is no such network, or it is another than the options'; the
        message names the first layer that differs.
    """
    init = opts.network.init
    source, images = initial_sources.read_source(init), data.train.images
    shape, num_classes = tuple(images.shape[1:]), len(data.class_names)
    network = _network(opts, shape, num_classes)
    if source.normalised and "batch" not in opts.network.norm:
        source = _folded(source, opts, shape, num_classes)
    _assign(network, source, opts)
    _check_function(network, source, pixels.from_uint8(images[:SHOWN]), opts)
    if opts.objective.generative:
        stride = max(1, len(images) // CENTRED)
        networks.centre_energy(network, images[::stride])
    return Initial(network.get_weights(), _classifier(source, network))


def write(folder: RunFolder, initial: Initial) -> None:
    """Keeps the initial weights in the folder of a run.

    Raises:
      OSError: if they cannot be written.
    """
    if initial.classifier is not None:  # first: where the weights are, nothing is read
        _write(folder.initial_classifier, initial.classifier)
    _write(folder.initial_weights, initial.weights)


def classifier_of(
    run: loading.TrainedRun, *, precision: str | None = None, fused: bool = True
) -> keras.Model | None:
    """The plain classifier that a run descends from, if its folder has one.

    Args:
      run: a run that learned log p(x); of others None is returned.
      precision, fused: as of `build.make_network`.
    """
    path, before = run.folder.initial_classifier, run.model.network
    if not (run.model.generative and path.is_file()):
        return None
    network = build.make_network(
        run.options,
        tuple(before.input_shape[1:]),
        len(run.class_names),
        precision=precision,
        fused=fused,
    )
    network.set_weights(_read(path))
    return network


def assign(folder: RunFolder, network: keras.Model) -> None:
    """Gives a network the initial weights that the folder of its run keeps, if any."""
    if not folder.initial_weights.is_file():
        return
    values = _read(folder.initial_weights)
    for weight, value in zip(network.weights, values, strict=True):
        weight.assign(value)


def _write(path: pathlib.Path, values: Sequence[np.ndarray]) -> None:
    with files.atomic_file(path) as part, part.open("wb") as file:
        np.savez(file, *values)


def _read(path: pathlib.Path) -> list[np.ndarray]:
    try:
        return int8_weights.read(path)  # reads files of longer types, too
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read ({error}); take it from a copy of the run."
        ) from error


def _classifier(source: Source, network: keras.Model) -> list[np.ndarray] | None:
    if not source.generative:
        return network.get_weights()
    if source.run is None or not source.run.initial_classifier.is_file():
        return None
    kept, own = _read(source.run.initial_classifier), network.get_weights()
    shapes = [[x.shape for x in values] for values in (kept, own)]
    return kept if shapes[0] == shapes[1] else None  # not if only the JEM was folded


def _network(
    opts: Options, shape: tuple[int, ...], num_classes: int, **changes: Any
) -> keras.Model:
    opts = replace(opts, changes)
    return build.make_network(opts, shape, num_classes, precision="float32")


def _folded(
    source: Source, opts: Options, shape: tuple[int, ...], num_classes: int
) -> Source:
    """The same without batch normalisation; its logits stay those of the original."""
    network = source.network
    if network is None:  # a SavedModel's layers are those of our network, or nobody's
        network = _network(opts, shape, num_classes, norm="batch")
        _assign(network, source, replace(opts, {"norm": "batch"}))
    with arguments_renamed(network="init"):
        folded = networks.fold_batch_norm(network)
    weights, _, network = initial_sources.of_network(folded)[:3]
    return source._replace(weights=weights, network=network)


def _assign(network: keras.Model, source: Source, opts: Options) -> None:
    own = initial_sources.of_network(network).weights
    for i in range(max(len(own), len(source.weights))):
        theirs, ours = (_describe(x[i : i + 1]) for x in (source.weights, own))
        if theirs.partition(" ")[2] != ours.partition(" ")[2]:
            raise InputError(
                f"{argument('init', opts.network.init)} has {theirs} where "
                f"{argument('network', opts.network.network)} with "
                f"{argument('norm', opts.network.norm)} has {ours}; give the options "
                "of the network that was trained."
            )
    network.set_weights([value for _, _, value in source.weights])
    if source.network is not None:
        _match_epsilon(network, source.network)


def _describe(weights: Sequence[tuple[str, str, np.ndarray]]) -> str:
    """One weight in words: its layer, a space, and what must agree."""
    for layer, name, value in weights:
        return f"{layer or 'layer'} ({name} {list(value.shape)})"
    return "no further layer"


def _match_epsilon(network: keras.Model, source: keras.Model) -> None:
    """Makes up for other epsilons, which batch normalisation adds to variances."""
    kind = keras.layers.BatchNormalization
    pairs = (
        [layer for layer in model._flatten_layers() if isinstance(layer, kind)]
        for model in (network, source)
    )
    for ours, theirs in zip(*pairs, strict=True):
        if ours.epsilon != theirs.epsilon:
            more = theirs.epsilon - ours.epsilon
            ours.moving_variance.assign_add(tf.fill(ours.moving_variance.shape, more))


def _check_function(
    network: keras.Model, source: Source, images: tf.Tensor, opts: Options
) -> None:
    """Refuses a source that computes something else with the same weights."""
    named = argument("init", opts.network.init)
    try:
        expected = np.asarray(tf.cast(source.logits(images), tf.float32))
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise InputError(
            f"{named} does not take images of {list(images.shape[1:])}; give one that "
            "was trained on such images."
        ) from error
    logits = network(images, training=False)
    off = np.abs(logits - expected).max() / max(np.abs(expected).max(), 1e-6)
    if not off <= TOLERANCE:
        raise InputError(
            f"{named} has weights that fit, but gives other logits (by up to "
            f"{off:.0%} of the largest); give its "
            f"{argument('activation')} instead of "
            f"{argument('activation', opts.network.activation)}, or a network that "
            "takes pixels in [-1, 1]."
        )
