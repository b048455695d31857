"""Checks of what a user gives a `Predictor`: numbers, classes and images."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jem_tf import pixels
from jem_tf.datasets import class_numbers
from jem_tf.errors import InputError, argument

SEEDS = 2**31  # seeds and counts are below it


def whole_number(name: str, value: Any, least: int, below: int = SEEDS) -> int:
    """Returns an argument's value as an int.

    Raises:
      InputError: if it is no whole number, or not in [least, below).
    """
    name = argument(name)
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {value!r}; give a whole number.")
    try:
        value = operator.index(value)
    except TypeError as error:
        raise InputError(f"{name} is {value!r}; give a whole number.") from error
    if not least <= value < below:
        raise InputError(f"{name} is {value}; it must be from {least} to {below - 1}.")
    return value


def class_number(label: int | str, class_names: Sequence[str]) -> int:
    """Returns the place of a class that is given by its number or name.

    What a number means, `class_numbers.find_class` says, as for `--labels`.

    Raises:
      InputError: if there is no such class, or a number may mean two.
    """
    if not isinstance(label, str):
        label = whole_number("label", label, 1 - SEEDS)
    if (place := class_numbers.find_class(label, class_names)) is not None:
        return place
    shown = ", ".join(class_names[:10]) + (", ..." if len(class_names) > 10 else "")
    raise InputError(f"{argument('label')} is {label!r}; the classes are {shown}.")


def image_batch(images: Any, image_shape: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Returns images as a batch, and whether a single image was given.

    Args:
      images: uint8 in 0..255, or float about in [-1, 1], [H, W, C] or [N, H, W, C].
      image_shape: (H, W, C).

    Returns:
      (uint8 or float32 [N, H, W, C], bool).

    Raises:
      InputError: if they are of another shape, dtype or range, or none at all. Floats
        that all lie in [0, 1] are warned of.
    """
    height, width, channels = image_shape
    shape = f"[{height}, {width}, {channels}]"
    try:
        x = np.asarray(images)
    except ValueError as error:  # a ragged list
        raise InputError(f"images are not of one shape; give {shape}.") from error
    if x.shape[-3:] != image_shape or x.ndim not in (3, 4):
        raise InputError(
            f"images are of shape {list(x.shape)}; this model takes {shape}, or "
            "[N, ...] of them."
        )
    if x.shape[0] == 0:
        raise InputError("images are an empty batch; give at least one.")
    x, single = (x[None], True) if x.ndim == 3 else (x, False)
    pixels.check_values(x)
    return (x if x.dtype == np.uint8 else x.astype("float32")), single
