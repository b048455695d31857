"""The constant in E(x), which a classifier's training leaves as chance has it."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from jem_tf import energies, pixels
from jem_tf.errors import InputError, argument

BATCH = 250  # images a pass
ROUNDING = 0.02  # of logits, in bfloat16


def centre_energy(network: keras.Model, images: Any) -> float:
    """Shifts E(x) by a constant, so that its mean over images is 0.

    All biases of the logits grow by the mean of E(x) = -logsumexp_y f(x)[y]. Softmax,
    and differences of energies, stay as they are; what is trained by the size of
    energies, as under `energy_l2`, does not begin by undoing the constant.

    Args:
      network: from images to logits, whose last layer has biases; it is changed.
      images: uint8 [B, H, W, C] in 0..255, or float in [-1, 1]; real ones, a thousand
        are enough.

    Returns:
      The mean of E(x) before, in nats.

    Raises:
      InputError: if the network ends in another layer, so that no bias is known, or
        in an activation or an operation, so that biases shift something else, or
        images are of another dtype or range.
    """
    layer = _last_layer(network)
    if not isinstance(layer, keras.layers.Dense) or not layer.use_bias:
        raise InputError(
            f"{argument('network')} ends in {getattr(layer, 'name', 'no layer')}, "
            "which has no bias to shift energies by; end it in Dense(num_classes)."
        )
    pixels.check_values(np.asarray(images))
    parts = range(0, len(images), BATCH)
    mean = np.mean(
        np.concatenate([_energies(network, images[i : i + BATCH]) for i in parts])
    )
    before, bias = _logits(network, images[:BATCH]), layer.bias.numpy()
    layer.bias.assign_add(tf.fill(layer.bias.shape, tf.cast(mean, layer.bias.dtype)))
    moved = _logits(network, images[:BATCH]) - before
    if np.abs(moved - mean).max() > ROUNDING * max(
        1.0, abs(mean), np.abs(before).max()
    ):
        layer.bias.assign(bias)
        raise InputError(
            f"{argument('network')} has the last layer {layer.name}, whose biases do "
            "not shift all logits alike; end it in Dense(num_classes) without an "
            "activation."
        )
    return float(mean)


def _energies(network: keras.Model, images: Any) -> np.ndarray:
    return energies.marginal_energy(_logits(network, images)).numpy()


def _logits(network: keras.Model, images: Any) -> np.ndarray:
    logits = network(pixels.to_float32(images), training=False)
    return tf.cast(logits, tf.float32).numpy()


def _last_layer(network: Any) -> Any:
    """The last layer, but for those that pass on what they get; None if unknown."""
    for layer in reversed(getattr(network, "layers", ())):
        if isinstance(layer, keras.Model):
            return _last_layer(layer)
        linear = getattr(layer, "activation", None) is keras.activations.linear
        if not (isinstance(layer, keras.layers.Activation) and linear):
            return layer
    return None
