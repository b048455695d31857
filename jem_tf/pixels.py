"""Pixel values: 8-bit integers in files and data sets, floats in [-1, 1] in models."""

import sys
import warnings

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError

LIBRARIES = ("jem_tf", "keras", "tensorflow")  # whose lines a warning does not name
FARTHEST = 2.0  # largest |pixel| of a float image; unclamped chains leave [-1, 1]


def from_uint8(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Converts uint8 [..., H, W, C] in 0..255 to float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Converts float [..., H, W, C] to uint8 in 0..255; undoes `from_uint8`.

    Values outside [-1, 1] are clipped.
    """
    levels = tf.round((tf.convert_to_tensor(images) + 1) * 127.5)
    return tf.cast(tf.clip_by_value(levels, 0, 255), tf.uint8)


def to_float32(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Converts images as a user may have them to float32 as models take them.

    It looks at the dtype alone, so that it works in graphs and costs floats nothing.

    Args:
      images: uint8 in 0..255, or any float in [-1, 1], [..., H, W, C].

    Raises:
      InputError: if they are of another dtype.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype == tf.uint8:
        return from_uint8(images)
    _check_dtype(images.dtype.name, images.dtype.is_floating)
    return tf.cast(images, tf.float32)


def check_values(images: np.ndarray) -> None:
    """Checks that images are uint8, or finite floats that reach from about -1 to 1.

    Floats that all lie in [0, 1] may be right; a warning says what is expected.

    Args:
      images: any dtype, shape [..., H, W, C], not empty.

    Raises:
      InputError: if they are of another dtype or range.
    """
    if images.dtype == np.uint8:
        return
    # numpy's own floats, and bfloat16 and float8 of ml_dtypes
    floating = np.issubdtype(images.dtype, np.floating) or "float" in str(images.dtype)
    _check_dtype(str(images.dtype), floating)
    least, most = float(np.min(images)), float(np.max(images))
    if not (np.isfinite(least) and np.isfinite(most)):
        raise InputError("images have NaN or infinite pixels; replace them.")
    if max(-least, most) > FARTHEST:
        raise InputError(
            f"float images reach from {least:g} to {most:g}; scale them to "
            "[-1, 1], as by images / 127.5 - 1, or give uint8 in 0..255."
        )
    if 0 <= least < most <= 1:
        warnings.warn(
            "float images all lie in [0, 1], and models take [-1, 1]; if 0 is black, "
            "give 2 * images - 1, or uint8 in 0..255.",
            stacklevel=_users_level(),
        )


def _users_level() -> int:
    """The `stacklevel` of a caller's warning at the user's line, not a library's.

    Python shows a warning once for each line that it names.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back:
        if frame.f_globals.get("__name__", "").split(".")[0] not in LIBRARIES:
            break
        frame, level = frame.f_back, level + 1
    return level


def _check_dtype(name: str, floating: bool) -> None:
    if not floating:
        raise InputError(
            f"images are {name}; give uint8 in 0..255, or float in [-1, 1]."
        )
