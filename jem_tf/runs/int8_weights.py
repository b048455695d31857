"""A network's weights in one file, whose kernels may be int8: a byte a number.

Each output channel of a kernel [..., C] has a scale of its own, max |w| / 127, so that
a weight is off by at most half of that. It is for a network that only scores outliers:
log p(x) of the shipped CIFAR-10 classifier moves by 0.9% of its standard deviation.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from jem_tf.runs import packed_checkpoint


def write(path: pathlib.Path, weights: Sequence[np.ndarray]) -> None:
    """Writes kernels as int8, with float32 scales [C], and vectors as float16.

    Raises:
      InputError: if a weight is out of the range of float16, or no number.
      OSError: if the file cannot be written.
    """
    arrays: dict[str, Any] = {}
    for index, rounded in enumerate(
        packed_checkpoint.round_weights(weights, "float16")
    ):
        arrays[f"arr_{index}"] = rounded
        if rounded.ndim > 1:
            quantised = _quantise(weights[index])
            arrays[f"arr_{index}"], arrays[f"scale_{index}"] = quantised
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read(path: pathlib.Path) -> list[np.ndarray]:
    """Reads what `write` or `numpy.savez` of a list wrote, as float32.

    Raises:
      OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error: if it cannot be
        read.
    """
    with np.load(path, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    weights = []
    for name, values in arrays.items():
        if name.startswith("arr_"):
            scale = arrays.get(name.replace("arr", "scale"), np.float32(1))
            weights.append(values.astype("float32") * scale)
    return weights


def _quantise(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    axes = tuple(range(weight.ndim - 1))
    values, factor = keras.quantizers.abs_max_quantize(weight, axes)
    scale = 1 / np.reshape(np.asarray(factor, "float32"), -1)
    return np.asarray(values, "int8"), scale
