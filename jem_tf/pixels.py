"""Pixel values: 8-bit integers in files and data sets, floats in [-1, 1] in models."""

import numpy as np
import tensorflow as tf


def from_uint8(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Converts uint8 [..., H, W, C] in 0..255 to float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Converts float [..., H, W, C] to uint8 in 0..255; undoes `from_uint8`.

    Values outside [-1, 1] are clipped.
    """
    levels = tf.round((tf.convert_to_tensor(images) + 1) * 127.5)
    return tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8)
