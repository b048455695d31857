"""A start at training images made wrong: its chains are negatives, never samples."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import alterations, pixels
from jem_tf.errors import InputError, argument
from jem_tf.starts.origins import OfOneOrigin, Start

MOST_IMAGES = 5_000  # training images that are kept to be altered


@dataclasses.dataclass(frozen=True, eq=False)
class Altered(OfOneOrigin):
    """A `Start`: images at random, each altered in one way, whatever the label.

    images: uint8 [N, H, W, C], training images; see `alterations`.
    """

    images: tf.Tensor
    ORIGIN = "altered"

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        del labels
        image_seed, seed = tf.unstack(tf.random.split(seed))
        u, count = tf.random.stateless_uniform([2, n], image_seed), len(self.images)
        which = tf.cast(u[0] * count, tf.int32)
        other = (which + 1 + tf.cast(u[1] * (count - 1), tf.int32)) % count
        originals, partners = (
            pixels.from_uint8(tf.gather(self.images, places))
            for places in (which, other)
        )
        return alterations.alter(originals, seed, partners=partners)


def altered(images: np.ndarray) -> Start:
    """Starts at altered ones of images [N, H, W, C], uint8 or float in [-1, 1].

    At most MOST_IMAGES of them, evenly spaced, are kept with the start.

    Raises:
      InputError: if there are fewer than two, as some are made of two, or they are of
        another dtype or range.
    """
    if len(images) < 2:
        raise InputError(
            f"{argument('start', 'altered')} needs two training images at least; add "
            "some, or choose another start."
        )
    count = min(len(images), MOST_IMAGES)
    places = np.arange(count) * len(images) // count
    some = tf.gather(images, places).numpy()
    pixels.check_values(some)
    return Altered(
        tf.constant(some if some.dtype == np.uint8 else pixels.to_uint8(some))
    )
