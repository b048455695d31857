"""Networks by name: images in, logits out.

    wide_resnet  the paper's wrn-DEPTH-WIDTH
    convnet      a small network for small images and small machines
    vgg          a plain network that a classifier trains quickly
    layers       what the networks share: convolutions, normalisation, initial weights
    activations  activations whose gradients are fast on a CPU
    batch_norm   batch normalisation: fast, and frozen

and what makes a first energy of a trained classifier:

    batch_norm_folding  the same function without batch normalisation
    affine              a scale and an offset a channel, where nothing takes them over
    energy_centring     the constant in E(x)

To add a network, write a `Builder` in a file of its own and enter it in NETWORKS:
`--network` then takes its name, and `tests/networks/test_networks.py` tests it. This
folder imports `errors`, `pixels` and `energies` alone.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any, Protocol

import keras

from jem_tf.errors import InputError, argument
from jem_tf.networks.batch_norm_folding import fold_batch_norm as fold_batch_norm
from jem_tf.networks.convnet import convnet
from jem_tf.networks.energy_centring import centre_energy as centre_energy
from jem_tf.networks.vgg import vgg
from jem_tf.networks.wide_resnet import wide_resnet


class Builder(Protocol):
    """A function that builds a network.

    Args:
      input_shape: (H, W, C).
      num_classes: K.
      **sizes_and_style: the numbers in the network's name, int; and the `norm`,
        `activation`, `seed`, `dtype` and `fused` of `layers.Layers`.

    Returns:
      A `keras.Model` from images float [B, H, W, C] in [-1, 1] to logits float32 [B,
      K].

    Raises:
      InputError: if the network cannot have these numbers or this style.
    """

    def __call__(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *args: Any,
        **sizes_and_style: Any,
    ) -> keras.Model: ...


# A word in capitals stands for a number. The builder takes it as the argument of this
# name in lower case.
NETWORKS: dict[str, Builder] = {
    "wrn-DEPTH-WIDTH": wide_resnet,
    "convnet-WIDTH": convnet,
    "vgg-WIDTH": vgg,
    "convnet": functools.partial(convnet, width=32),
}


def build(
    name: str, input_shape: Sequence[int], num_classes: int, **style: Any
) -> keras.Model:
    """Builds the network called `name`.

    Args:
      name: one of NETWORKS with numbers for the words in capitals, such as wrn-28-10.
      input_shape: (H, W, C).
      num_classes: K.
      **style: norm, activation, seed, dtype, fused; see `layers.Layers`.

    Returns:
      A `keras.Model` from images float [B, H, W, C] in [-1, 1] to logits float32 [B,
      K].

    Raises:
      InputError: if no network has that name, or it cannot have these numbers, or Keras
        is set to images that have their channels first.
    """
    if keras.config.image_data_format() != "channels_last":
        raise InputError(
            "Keras is set to image_data_format=channels_first, and these networks take "
            "images [B, H, W, C]; call "
            'keras.config.set_image_data_format("channels_last").'
        )
    for form, builder in NETWORKS.items():
        pattern = re.sub("[A-Z]+", lambda m: rf"(?P<{m[0].lower()}>\d+)", form)
        if match := re.fullmatch(pattern, name):
            sizes = {key: int(value) for key, value in match.groupdict().items()}
            return builder(input_shape, num_classes, **sizes, **style)
    raise InputError(
        f"{argument('network', name)} is not known; choose one of "
        f"{', '.join(NETWORKS)}, with numbers for the words in capitals."
    )
