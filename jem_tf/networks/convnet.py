"""A small network of six 3x3 convolutions, quick on small images."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from jem_tf.networks.layers import Layers, check_width


def convnet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int,
    norm: str = "none",
    activation: str = "swish",
    **style: Any,
) -> keras.Model:
    """Images [B, H, W, C] in [-1, 1] -> logits float32 [B, num_classes].

    Two convolutions each of w, 2w and 4w channels; the second and the fourth halve the
    resolution.

    Args:
      input_shape: (H, W, C), any size of at least 4 pixels.
      num_classes: K.
      width: w, a multiple of 8.
      norm, activation, **style: see `Layers`.

    Raises:
      InputError: if width is not a multiple of 8.
    """
    name = f"convnet-{width}"
    check_width(name, width)
    layers = Layers(norm=norm, activation=activation, gain=math.sqrt(3), **style)
    image = x = keras.Input(input_shape, name="image")
    for filters, stride in zip((1, 1, 2, 2, 4, 4), (1, 2, 1, 2, 1, 1), strict=True):
        x = layers.activated_conv(x, width * filters, stride=stride)
    return keras.Model(image, layers.logits(x, num_classes), name=name)
