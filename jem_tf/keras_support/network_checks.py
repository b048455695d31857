"""Whether a network of a user's own is what an energy model needs, and of what shape.

It may be functional, sequential, subclassed or nested. It must end in one logit a
class: softmax would hold the energies -logsumexp f(x) in a band of log K nats, where
training looks perfect and p(x) means nothing.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.keras_support import scaling_checks

# Last layers, or their activations, that bound what they put out.
BOUNDED = {
    "softmax": "Softmax",
    "logsoftmax": "LogSoftmax",
    "sparsemax": "Sparsemax",
    "sigmoid": "Sigmoid",
    "hardsigmoid": "HardSigmoid",
    "tanh": "Tanh",
    "hardtanh": "HardTanh",
    "softsign": "Softsign",
}
LINEAR = (keras.layers.Dense, keras.layers.Conv2D)  # if without an activation
ANY_SIZE = 32  # pixels of the images tried where the network takes any size
ADVICE = (
    "give a network that ends in logits, as Dense(num_classes) without an activation "
    "does (of keras.applications: classifier_activation=None)"
)


class Facts(NamedTuple):
    """What is known of a network.

    image_shape: (H, W, C) that it takes, each a number or None for any.
    num_classes: K.
    penalised: whether its layers add penalties to the loss, as regularisers do.
    """

    image_shape: tuple[int | None, ...]
    num_classes: int
    penalised: bool


def examine(network: keras.Model, image_shape: Any = None) -> Facts:
    """Checks a network, and builds one that is not built.

    Args:
      network: a model from images [B, H, W, C] to logits [B, K].
      image_shape: (H, W, C) of the replay buffer, or None without one.

    Raises:
      InputError: if its shapes are unknown or are no images' and logits', if it ends
        in probabilities, if its pixels are to be in 0..255, in 0..1 or in float64,
        or if it trains weights in half precision.
    """
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras computes by {keras.backend.backend()} here, and jem_tf by "
            "TensorFlow; set the environment variable KERAS_BACKEND=tensorflow before "
            "Keras is imported."
        )
    if not isinstance(network, keras.Model):
        raise InputError(
            f"{argument('network')} is a {type(network).__name__}; give a keras.Model "
            "from images [B, H, W, C] to logits [B, K]."
        )
    _check_dtypes(network)
    own = _input_shape(network, image_shape)
    if image_shape is not None:
        if not tf.TensorShape(own).is_compatible_with(image_shape):
            raise InputError(
                f"{argument('network')} takes images {list(own)}, and the replay "
                f"buffer's are {list(image_shape)}; make both of one shape."
            )
        own = tuple(image_shape)
    sizes = tuple(size or ANY_SIZE for size in own)
    output_shape, tried = _output(network, sizes)
    _check_weights(network)
    _check_output_shape(output_shape)
    scaling_checks.check_scaling(network, sizes)
    _check_unbounded(network, tried)
    return Facts(own, output_shape[-1], _penalised(network))


def _check_dtypes(network: keras.Model) -> None:
    for tensor in tf.nest.flatten(getattr(network, "inputs", None) or []):
        if not tf.as_dtype(tensor.dtype).is_floating:
            raise InputError(
                f"{argument('network')} takes {tensor.dtype} images; a JEM's are float "
                "in [-1, 1]: begin it with keras.Input(shape), and put "
                "Rescaling(127.5, 127.5) next if it expects pixels of 0..255."
            )
    for layer in network._flatten_layers():
        if layer.compute_dtype == "float64":
            raise InputError(
                f"{argument('network')}'s layer {layer.name} computes in float64, and "
                'a JEM in float32; build it with dtype="float32".'
            )
    if keras.config.floatx() != "float32":
        raise InputError(
            f"Keras is set to floatx={keras.config.floatx()}, and a JEM's loss is "
            'float32; call keras.config.set_floatx("float32").'
        )


def _check_weights(network: keras.Model) -> None:
    for weight in network.trainable_weights:
        if weight.dtype in ("float16", "bfloat16"):
            raise InputError(
                f"{argument('network')} trains {weight.path} in {weight.dtype}, which "
                "loses small steps; build it with "
                f'dtype="mixed_{weight.dtype}", or freeze the layer.'
            )


def _input_shape(network: keras.Model, image_shape: Any) -> tuple[int | None, ...]:
    if not _has_shapes(network) and not network.built and image_shape is not None:
        network(tf.zeros([1, *image_shape]))
    if _has_shapes(network):
        shape = network.input_shape
    else:
        shape = (network.get_build_config() or {}).get("input_shape")
        if shape is None and network.built and image_shape is not None:
            shape = (None, *image_shape)
    if shape is None:
        raise InputError(
            f"{argument('network')} has not been called, and the shape of its images "
            "is unknown; begin it with keras.Input, or call it on a batch."
        )
    if not isinstance(shape, tuple) or any(isinstance(n, tuple | list) for n in shape):
        raise InputError(f"{argument('network')} has several inputs; give one of one.")
    if len(shape) != 4:
        raise InputError(
            f"{argument('network')} takes inputs of shape {list(shape)}; give one that "
            "takes images [B, H, W, C]."
        )
    return tuple(shape[1:])


def _has_shapes(network: keras.Model) -> bool:
    """Whether it is functional, or sequential and built."""
    try:
        return network.input_shape is not None and network.output_shape is not None
    except AttributeError:
        return False


def _output(
    network: keras.Model, image_shape: tuple[int, ...]
) -> tuple[Any, np.ndarray | None]:
    """(Shape of what it puts out, and that for two images where it has to be tried)."""
    if _has_shapes(network) and _last(network)[1] is not None:
        return network.output_shape, None
    images = tf.random.stateless_uniform([2, *image_shape], [0, 0], -1.0, 1.0)
    tried = network(images, training=False)
    if isinstance(tried, dict | list | tuple):
        return list(tried), None
    return (None, *tried.shape[1:]), np.asarray(tf.cast(tried, tf.float32))


def _check_output_shape(shape: Any) -> None:
    if not isinstance(shape, tuple) or any(isinstance(n, tuple | list) for n in shape):
        raise InputError(f"{argument('network')} has several outputs; give one of one.")
    if len(shape) != 2 or not shape[-1] or shape[-1] < 2:
        raise InputError(
            f"{argument('network')} puts out {list(shape)}; give one that ends in "
            "logits [B, K] of at least 2 classes."
        )


def _last(network: keras.Model) -> tuple[Any, bool | None]:
    """The last layer or operation, and whether it is bounded; None if unknown."""
    steps = getattr(network, "operations", None) or network.layers
    if not steps or not _has_shapes(network):
        return None, None
    last = steps[-1]
    if isinstance(last, keras.Model):
        return _last(last)
    for what in (last, getattr(last, "activation", None)):
        name = getattr(what, "__name__", type(what).__name__)
        if name.replace("_", "").casefold() in BOUNDED:
            return BOUNDED[name.replace("_", "").casefold()], True
    linear = isinstance(last, LINEAR) and last.activation is keras.activations.linear
    return last, False if linear else None


def _check_unbounded(network: keras.Model, tried: np.ndarray | None) -> None:
    end, bounded = _last(network)
    if tried is not None and not bounded:
        if np.allclose(tried.sum(1), 1, atol=1e-2) and tried.min() >= 0:
            end, bounded = BOUNDED["softmax"], True
        elif np.allclose(np.logaddexp.reduce(tried, axis=1), 0, atol=1e-2):
            end, bounded = BOUNDED["logsoftmax"], True
    if bounded:
        raise InputError(
            f"{argument('network')} ends in {end}, which confines its energies to a "
            f"band; {ADVICE}."
        )


def _penalised(network: keras.Model) -> bool:
    layers = network._flatten_layers()
    return bool(network.losses) or any(
        getattr(layer, "activity_regularizer", None) is not None for layer in layers
    )
