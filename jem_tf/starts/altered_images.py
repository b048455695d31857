"""A start at training images made wrong: its chains are negatives, never samples."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import alterations, pixels
from jem_tf.starts.origins import OfOneOrigin, Start

MOST_IMAGES = 5_000  # training images that are kept to be altered


@dataclasses.dataclass(frozen=True, eq=False)
class Altered(OfOneOrigin):
    """A `Start`: images chosen at random, each altered in one way, whatever the label.

    images: uint8 [N, H, W, C], training images; see `alterations`.
    """

    images: tf.Tensor
    ORIGIN = "altered"

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        del labels
        image_seed, seed = tf.unstack(tf.random.split(seed))
        count = self.images.shape[0]
        which = tf.random.stateless_uniform([n], image_seed, 0, count, tf.int32)
        originals = pixels.from_uint8(tf.gather(self.images, which))
        return alterations.alter(originals, seed)


def altered(images: np.ndarray) -> Start:
    """Starts at altered ones of images uint8 [N, H, W, C].

    At most MOST_IMAGES of them, evenly spaced, are kept with the start.
    """
    count = min(len(images), MOST_IMAGES)
    places = np.arange(count) * len(images) // count
    return Altered(tf.gather(tf.convert_to_tensor(images, tf.uint8), places))
