"""A checkpoint in one small file: what answers need, and no optimizer.

FOLDER/step-0000500/state.json    as of every checkpoint
                    packed.npz    the network's weights, and some of the buffer's chains

Weights are rounded to a shorter type, the pixels of chains to 8 bits. A model that is
restored has the rounded numbers, in float32. Training cannot go on from it, but a run
may begin with its weights (`--init`).
"""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from jem_tf import pixels
from jem_tf.errors import InputError, argument
from jem_tf.replay import ReplayBuffer, sample_slots

NAME = "packed.npz"
NO_OPTIMIZER = {"optimizer": "left out of a packed run"}  # no training continues it
TYPES = ("float16", "float32")


def is_packed(path: pathlib.Path) -> bool:
    """Whether the folder of a checkpoint holds a packed one."""
    return (path / NAME).is_file()


def write(path: pathlib.Path, model: Any, slots: np.ndarray, dtype: str) -> None:
    """Writes packed.npz.

    Args:
      path: the folder of the checkpoint, which exists.
      model: `JEM`, whose buffer has all its replicas in this process.
      slots: int [n], which chains of its buffer to keep, by their places in
        `ReplayBuffer.as_one_shard`; [0] if it has none.
      dtype: one of TYPES, of the weights.

    Raises:
      InputError: if a weight is out of the range of `dtype`.
      OSError: if the file cannot be written.
    """
    arrays: dict[str, Any] = {}
    for index, weight in enumerate(round_weights(model.network.get_weights(), dtype)):
        arrays[f"weights/{index:03d}"] = weight
    if model.buffer is not None:
        chains = {k: x[slots] for k, x in model.buffer.as_one_shard().items()}
        arrays["chains/images"] = pixels.to_uint8(chains.pop("shard")).numpy()
        arrays |= {f"chains/{name}": values for name, values in chains.items()}
    with (path / NAME).open("wb") as file:
        np.savez_compressed(file, **arrays)


def round_weights(weights: Sequence[np.ndarray], dtype: str) -> list[np.ndarray]:
    """Rounds weights to one of TYPES.

    Raises:
      InputError: if one is out of the range of this type.
    """
    with np.errstate(over="ignore"):
        rounded = [weight.astype(dtype) for weight in weights]
    if not all(np.isfinite(weight).all() for weight in rounded):
        raise InputError(
            f"{argument('weights', dtype)} cannot hold weights as large as these; "
            f"choose {argument('weights', 'float32')}."
        )
    return rounded


def choose_slots(buffer: ReplayBuffer, count: int) -> np.ndarray:
    """Chooses chains that are samples: evenly over the classes, at random among them.

    Args:
      buffer: with all its replicas in this process.
      count: how many to choose; fewer are chosen if a class has fewer, and each class
        has as many.

    Returns:
      int [n], ascending, places in `ReplayBuffer.as_one_shard`.

    Raises:
      InputError: if a class would have none.
    """
    blocks = buffer.num_classes or 1
    origins = buffer.as_one_shard()["origins"]
    samples = sample_slots.is_sample(origins).reshape(blocks, -1)
    each = min(count // blocks, samples.sum(axis=1).min())
    if each < 1:
        raise InputError(
            f"{argument('chains', count)} leaves a class without a chain; choose at "
            f"least {blocks}, of a run whose buffer has samples of each class."
        )
    rng, chosen = np.random.default_rng(0), []
    for block, row in enumerate(samples):
        own = rng.choice(np.flatnonzero(row), each, replace=False)
        chosen.append(block * samples.shape[1] + np.sort(own))
    return np.concatenate(chosen)


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads all arrays of packed.npz, whose checksums are compared.

    Raises:
      OSError, ValueError, zipfile.BadZipFile: if it is damaged.
    """
    with np.load(path / NAME, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def restore(model: Any, path: pathlib.Path) -> None:
    """Gives a model the weights and chains of a packed checkpoint.

    Raises:
      KeyError, ValueError: if the network has other weights, or the buffer no chains.
    """
    arrays = read(path)
    names = [name for name in arrays if name.startswith("weights/")]
    names.sort(key=lambda name: int(name.removeprefix("weights/")))
    model.network.set_weights([arrays[name].astype("float32") for name in names])
    if model.buffer is not None:
        images = pixels.from_uint8(arrays["chains/images"]).numpy()
        facts = (arrays[f"chains/{name}"] for name in ("ages", "origins", "energies"))
        model.buffer.restore([images], *([fact] for fact in facts))
