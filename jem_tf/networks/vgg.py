"""A plain network of seven 3x3 convolutions, which a classifier trains quickly.

Convolutions at a resolution come before the pooling that halves it, as in VGG (Simonyan
& Zisserman 2015) and in fast CIFAR-10 classifiers (KellerJordan/cifar10-airbench, whose
channels it has). The activations are smooth and the pooling takes means, so that the
energy is smooth too. With batch normalisation folded (`networks.fold_batch_norm`), it
is a good first energy.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from jem_tf.networks.layers import Layers, check_width

HALVES = (1, 2, 2, 8, 8, 8, 8)  # channels of each convolution, in halves of the width
MOMENTUM = 0.9  # of the statistics: they are a mean over about ten batches


def vgg(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int,
    norm: str = "none",
    activation: str = "swish",
    **style: Any,
) -> keras.Model:
    """Images [B, H, W, C] in [-1, 1] -> logits float32 [B, num_classes].

    Convolutions of w/2, w, w, 4w, 4w, 4w and 4w channels; means over 2x2 pixels follow
    the second, the fourth and the sixth, as long as 2 pixels a side are left. vgg-64
    has 2.0 million parameters, and takes .30 GFLOP for an image of 32x32 pixels.

    Args:
      input_shape: (H, W, C), any size.
      num_classes: K.
      width: w, a multiple of 8.
      norm, activation, **style: see `Layers`.

    Raises:
      InputError: if width is not a multiple of 8.
    """
    name = f"vgg-{width}"
    check_width(name, width)
    style |= {"norm": norm, "activation": activation, "norm_momentum": MOMENTUM}
    layers = Layers(gain=math.sqrt(3), **style)
    image = x = keras.Input(input_shape, name="image")
    for number, halves in enumerate(HALVES, start=1):
        x = layers.activated_conv(x, width * halves // 2)
        if number % 2 == 0 and min(x.shape[1:3]) >= 4:
            x = layers.pool(x)
    return keras.Model(image, layers.logits(x, num_classes), name=name)
