"""Converts weights and images of the JEM authors' code to those of jem_tf.

The authors' network is wrn-DEPTH-WIDTH without normalisation. It also has two
linear heads, `energy_output` and `f.linear`, that a JEM never reads; they are left out.
"""

import pathlib
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jem_tf.errors import InputError
from jem_tf.pytorch.torch_file import quote

IMAGE_SHAPE = (32, 32, 3)  # the only shape that fits their 8x8 average pooling
UNREAD = re.compile(r"(energy_output|f\.linear)\.(weight|bias)")
NORM = re.compile(r"\bbn\d\.")
PARTS = ("weight", "bias")
KERNEL = {4: (2, 3, 1, 0), 2: (1, 0)}  # axes of PyTorch's kernels in Keras's order
Layer = tuple[str, tuple[int, ...]]  # its name and its weight's shape in PyTorch


class Original(NamedTuple):
    """A network of the authors and its replay buffer, in the layout of jem_tf."""

    network: str  # "wrn-DEPTH-WIDTH"
    num_classes: int  # K
    weights: dict[str, list[np.ndarray]]  # {layer: [kernel, bias]}, float32
    images: np.ndarray | None  # float32 [N, 32, 32, 3]; None where there are none


def convert_weights(
    state: Mapping[str, np.ndarray],
    images: np.ndarray | None,
    *,
    source: str | pathlib.Path,
) -> Original:
    """Converts a state dict and a replay buffer of the authors' code.

    Args:
      state: {name: array}, as in `F` or `CCF` of their train_wrn_ebm.py.
      images: float [N, 3, 32, 32], or None.
      source: name of the checkpoint's file, for error messages.

    Returns:
      Original, whose weights are those of `networks.build(network, IMAGE_SHAPE, K)`.

    Raises:
      InputError: if a tensor is missing, has another shape, is not finite, or is not
        part of the authors' network.
    """
    if all(name.startswith("module.") for name in state):  # DataParallel's
        state = {name.removeprefix("module."): state[name] for name in state}
    blocks, width, num_classes = _sizes(state, source)
    layers = _layers(blocks, width, num_classes)
    _refuse_others(state, layers, source)
    weights = {}
    for layer, (name, shape) in layers.items():
        kernel = _tensor(state, f"{name}.weight", shape, source)
        bias = _tensor(state, f"{name}.bias", shape[:1], source)
        kernel = np.ascontiguousarray(kernel.transpose(KERNEL[kernel.ndim]))
        weights[layer] = [kernel, bias]
    network = f"wrn-{6 * blocks + 4}-{width}"
    return Original(network, num_classes, weights, _images(images, source))


def _sizes(
    state: Mapping[str, np.ndarray], source: str | pathlib.Path
) -> tuple[int, int, int]:
    """Infers blocks a group, width and classes from the tensors' names and shapes."""
    needed = ("f.layer1.0.conv1.weight", "class_output.weight")
    for name in needed:
        if name not in state or not state[name].ndim:
            raise InputError(
                f"{source} holds no {name}, so it is no wide residual network of the "
                "original JEM; name a checkpoint of that."
            )
    blocks = 1
    while f"f.layer1.{blocks}.conv1.weight" in state:
        blocks += 1
    filters, num_classes = (len(state[name]) for name in needed)
    if filters < 16 or filters % 16 or num_classes < 2:
        raise InputError(
            f"{source} has {filters} filters in its first block and {num_classes} "
            "class(es); it takes a multiple of 16, and two classes or more."
        )
    return blocks, filters // 16, num_classes


def _layers(blocks: int, width: int, num_classes: int) -> dict[str, Layer]:
    """Lists the layers: {name in jem_tf's network: Layer}."""
    convolutions: list[Layer] = [("f.conv1", (16, 3, 3, 3))]
    before = 16
    for group, filters in enumerate((16 * width, 32 * width, 64 * width), 1):
        for block in range(blocks):
            prefix = f"f.layer{group}.{block}"
            convolutions.append((f"{prefix}.conv1", (filters, before, 3, 3)))
            convolutions.append((f"{prefix}.conv2", (filters, filters, 3, 3)))
            if block == 0 and (group > 1 or filters != before):
                convolutions.append((f"{prefix}.shortcut.0", (filters, before, 1, 1)))
            before = filters
    layers = {f"conv_{i}": layer for i, layer in enumerate(convolutions)}
    return layers | {"logits": ("class_output", (num_classes, before))}


def _refuse_others(
    state: Mapping[str, np.ndarray],
    layers: Mapping[str, Layer],
    source: str | pathlib.Path,
) -> None:
    known = {f"{name}.{part}" for name, _ in layers.values() for part in PARTS}
    others = [n for n in state if n not in known and not UNREAD.fullmatch(n)]
    for name in others:
        if NORM.search(name):
            raise InputError(
                f"{source} has normalisation layers ({quote(name)}), and only networks "
                "without any are read; name one of those, as the paper's are."
            )
    if others:
        raise InputError(
            f"{source} holds {quote(others[0])}, which is no part of such a network; "
            "name a checkpoint of the original JEM."
        )


def _tensor(
    state: Mapping[str, np.ndarray],
    name: str,
    shape: tuple[int, ...],
    source: str | pathlib.Path,
) -> np.ndarray:
    if name not in state:
        raise InputError(f"{source} holds no {name}; name a checkpoint that is whole.")
    array = state[name]
    if array.shape != shape or array.dtype.kind != "f":
        raise InputError(
            f"{source} has {name} as {array.dtype} {list(array.shape)} where the "
            f"network has float {list(shape)}; name a checkpoint of the original JEM."
        )
    return _finite(array, name, source)


def _images(array: np.ndarray | None, source: str | pathlib.Path) -> np.ndarray | None:
    if array is None or not array.size:
        return None
    height, width, channels = IMAGE_SHAPE
    if array.shape[1:] != (channels, height, width) or array.dtype.kind != "f":
        raise InputError(
            f"{source} has a replay buffer of {array.dtype} {list(array.shape)}; it "
            f"takes float [N, {channels}, {height}, {width}]."
        )
    array = _finite(array, "replay_buffer", source)
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1))


def _finite(array: np.ndarray, name: str, source: str | pathlib.Path) -> np.ndarray:
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(
            f"{source} has numbers in {name} that are not finite; name a checkpoint "
            "from before training diverged."
        )
    return array
