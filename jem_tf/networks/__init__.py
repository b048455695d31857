"""Networks by name: images in, logits out. One file each, one signature."""

import functools
import re

from jem_tf.errors import InputError
from jem_tf.networks.convnet import convnet
from jem_tf.networks.wide_resnet import wide_resnet

KNOWN = "wrn-DEPTH-WIDTH (the paper's is wrn-28-10), convnet, convnet-WIDTH"
NAMES = {
    r"wrn-(?P<depth>\d+)-(?P<width>\d+)": wide_resnet,
    r"convnet-(?P<width>\d+)": convnet,
    r"convnet": functools.partial(convnet, width=32),
}


def build(name, input_shape, num_classes, **style):
    """Builds the network called `name`.

    Args:
      name: see KNOWN.
      input_shape: (H, W, C).
      num_classes: K.
      **style: norm, activation, seed, dtype, fused; see `layers.Layers`.

    Returns:
      A `keras.Model` from images float [B, H, W, C] in [-1, 1] to logits float32 [B,
      K].

    Raises:
      InputError: if no network has that name, or not with these numbers.
    """
    for pattern, builder in NAMES.items():
        if match := re.fullmatch(pattern, name):
            sizes = {key: int(value) for key, value in match.groupdict().items()}
            return builder(input_shape, num_classes, **sizes, **style)
    raise InputError(f"There is no network {name!r}; choose one of {KNOWN}.")
