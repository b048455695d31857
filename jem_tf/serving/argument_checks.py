"""Checks of what a user gives a `Predictor`: numbers, classes and images."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jem_tf import ood_scores, pixels
from jem_tf.datasets import class_numbers
from jem_tf.errors import SEEDS, InputError, argument, whole_number


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


def temperature(value: Any, coldest: float) -> float:
    """Returns a temperature as a float.

    Raises:
      InputError: unless it is a finite number above `coldest`.
    """
    try:
        number = math.nan if isinstance(value, str | bool | np.bool_) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not coldest < number < math.inf:
        raise InputError(
            f"{argument('temperature')} is {value!r}; it must be above 0, and finite."
        )
    return number


def score_names(names: Any) -> list[str]:
    """Returns names of scores as a list.

    Raises:
      InputError: if one is no score, or they are no list.
    """
    known = list(ood_scores.SCORES)
    listed = isinstance(names, Iterable) and not isinstance(names, str)
    given: list[Any] = list(names) if listed else [None]
    if not all(name in known for name in given):
        raise InputError(
            f"{argument('names')} is {given if listed else names!r}; give a list of "
            f"some of {', '.join(known)}."
        )
    return given


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
    except (RuntimeError, TypeError) as error:  # a tensor of PyTorch on a GPU
        raise InputError(f"images cannot be an array of NumPy: {error}") from error
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
