"""The paper's start: uniform noise (Grathwohl et al. 2020, Algorithm 1)."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from jem_tf.starts.origins import OfOneOrigin, Start


@dataclasses.dataclass(frozen=True, eq=False)
class Uniform(OfOneOrigin):
    """A `Start`: U(-1, 1) in every pixel of images (H, W, C)."""

    image_shape: tuple[int, ...]
    ORIGIN = "uniform"

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        del labels
        return tf.random.stateless_uniform([n, *self.image_shape], seed, -1.0, 1.0)


def uniform(image_shape: Sequence[int]) -> Start:
    """U(-1, 1) in every pixel, whatever the label (the paper's Algorithm 1)."""
    return Uniform(tuple(image_shape))
