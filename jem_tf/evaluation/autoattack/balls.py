"""Lengths, directions and projections in L-inf and L2, for images in [0, 1]."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

TINY = 1e-12  # added to lengths that divide


class Ball(NamedTuple):
    """The geometry of a norm.

    length: differences [B, H, W, C] -> float [B].
    direction: gradients [B, H, W, C] -> the same shape, of length 1: the direction that
      raises a linear function the most; 0 for a gradient of 0.
    project: (x, points [B, H, W, C], radius) -> points moved into the ball round x and
      into [0, 1].
    draw: a numpy generator and a shape -> a random difference of length 1.
    """

    length: Callable[[tf.Tensor], tf.Tensor]
    direction: Callable[[tf.Tensor], tf.Tensor]
    project: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    draw: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def per_image(values: tf.Tensor) -> tf.Tensor:
    """[B] -> [B, 1, 1, 1]."""
    return tf.reshape(values, [-1, 1, 1, 1])


def _l2_length(difference: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_sum(difference**2, axis=[1, 2, 3]))


def _l2_direction(gradient: tf.Tensor) -> tf.Tensor:
    largest = per_image(_linf_length(gradient))
    scaled = gradient / (largest + 1e-37)  # the squares of small numbers vanish
    return scaled / (per_image(_l2_length(scaled)) + TINY)


def _l2_project(x: tf.Tensor, points: tf.Tensor, radius: tf.Tensor) -> tf.Tensor:
    away = points - x
    shrink = tf.minimum(1.0, radius / (per_image(_l2_length(away)) + TINY))
    return tf.clip_by_value(x + away * shrink, 0.0, 1.0)


def _l2_draw(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    normal = generator.standard_normal(shape, "float32")
    return normal / np.linalg.norm(normal)


def _linf_length(difference: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(tf.abs(difference), axis=[1, 2, 3])


def _linf_project(x: tf.Tensor, points: tf.Tensor, radius: tf.Tensor) -> tf.Tensor:
    near = tf.clip_by_value(points, x - radius, x + radius)
    return tf.clip_by_value(near, 0.0, 1.0)


def _linf_draw(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    uniform = 2 * generator.random(shape, "float32") - 1
    return uniform / np.abs(uniform).max()


BALLS = {
    "linf": Ball(_linf_length, tf.sign, _linf_project, _linf_draw),
    "l2": Ball(_l2_length, _l2_direction, _l2_project, _l2_draw),
}
