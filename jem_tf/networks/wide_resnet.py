"""Wide residual networks (Zagoruyko & Komodakis 2016) as the authors of JEM use them.

Three groups of pre-activation blocks with 16w, 32w and 64w channels at full, half and
quarter resolution. Unlike the usual WRN: no normalisation by default, a bias in every
convolution, the stride on a block's second convolution, and a 1x1 shortcut from the
block's raw input.
"""

from collections.abc import Sequence
from typing import Any

import keras

from jem_tf.errors import InputError, argument
from jem_tf.networks.layers import Layers


def wide_resnet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    depth: int,
    width: int,
    norm: str = "none",
    activation: str = "leaky_relu",
    **style: Any,
) -> keras.Model:
    """WRN-depth-width: images [B, H, W, C] in [-1, 1] -> logits float32 [B, K].

    Args:
      input_shape: (H, W, C), any size of at least 4 pixels; the paper's is (32, 32, 3).
      num_classes: K.
      depth: 6n + 4 for n blocks a group; the paper's is 28.
      width: w, at least 1; the paper's is 10.
      norm, activation, **style: see `Layers`.

    Raises:
      InputError: if depth or width is not of that form.
    """
    name = f"wrn-{depth}-{width}"
    if depth < 10 or (depth - 4) % 6 or width < 1:
        raise InputError(
            f"{argument('network', name)} does not exist: the depth must be 10, 16, "
            "22, ... and the width at least 1."
        )
    layers = Layers(norm=norm, activation=activation, **style)
    image = keras.Input(input_shape, name="image")
    x = layers.conv(image, 16)
    for group, filters in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range((depth - 4) // 6):
            x = _block(layers, x, filters, stride=2 if group and not block else 1)
    x = layers.activation(layers.norm(x))
    return keras.Model(image, layers.logits(x, num_classes), name=name)


def _block(
    layers: Layers, x: keras.KerasTensor, filters: int, stride: int
) -> keras.KerasTensor:
    h = layers.activated_conv(layers.activation(layers.norm(x)), filters)
    h = layers.conv(h, filters, stride=stride)
    if stride > 1 or x.shape[-1] != filters:
        x = layers.conv(x, filters, size=1, stride=stride)
    return layers.add(x, h)
