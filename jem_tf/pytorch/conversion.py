"""Weights and images of the JEM authors' network as those of ours.

Theirs is our wrn-DEPTH-WIDTH without normalisation. It has two linear heads besides,
`energy_output` and `f.linear`, that a JEM never reads; they are left behind.
"""

import collections
import re

import numpy as np

from jem_tf.errors import InputError
from jem_tf.pytorch.torch_file import shown

Original = collections.namedtuple("Original", "network num_classes weights images")

IMAGE_SHAPE = (32, 32, 3)  # their average pooling, 8x8, means this one
UNREAD = re.compile(r"(energy_output|f\.linear)\.(weight|bias)")
NORM = re.compile(r"\bbn\d\.")
PARTS = ("weight", "bias")
KERNEL = {4: (2, 3, 1, 0), 2: (1, 0)}  # [out, in, height, width] and [out, in] to ours


def convert(state, images, *, source):
    """What a state dict and a replay buffer of theirs are for us.

    Args:
      state: {name: array}, as in `F` or `CCF` of their train_wrn_ebm.py.
      images: float [N, 3, 32, 32], or None.
      source: where they come from, for error messages.

    Returns:
      Original(network: "wrn-DEPTH-WIDTH"; num_classes: K; weights: {layer: [kernel,
      bias]} of `networks.build(network, IMAGE_SHAPE, K)`, float32; images: float32 [N,
      32, 32, 3] as they are, or None where there are none).

    Raises:
      InputError: if a tensor is missing, misshapen, not finite or none of theirs.
    """
    if all(name.startswith("module.") for name in state):  # DataParallel's
        state = {name.removeprefix("module."): state[name] for name in state}
    blocks, width, num_classes = _sizes(state, source)
    layers = _layers(blocks, width, num_classes)
    _refuse_others(state, layers, source)
    weights = {}
    for ours, (theirs, shape) in layers.items():
        kernel = _tensor(state, f"{theirs}.weight", shape, source)
        bias = _tensor(state, f"{theirs}.bias", shape[:1], source)
        kernel = np.ascontiguousarray(kernel.transpose(KERNEL[kernel.ndim]))
        weights[ours] = [kernel, bias]
    name = f"wrn-{6 * blocks + 4}-{width}"
    return Original(name, num_classes, weights, _images(images, source))


def _sizes(state, source):
    """Blocks a group, width, classes: of the tensors whose number and shapes tell."""
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


def _layers(blocks, width, num_classes):
    """{layer of ours: (its name in theirs, the shape of its weight there)}."""
    found, before = [("f.conv1", (16, 3, 3, 3))], 16
    for group, filters in enumerate((16 * width, 32 * width, 64 * width), 1):
        for block in range(blocks):
            here = f"f.layer{group}.{block}"
            found.append((f"{here}.conv1", (filters, before, 3, 3)))
            found.append((f"{here}.conv2", (filters, filters, 3, 3)))
            if block == 0 and (group > 1 or filters != before):
                found.append((f"{here}.shortcut.0", (filters, before, 1, 1)))
            before = filters
    layers = {f"conv_{i}": layer for i, layer in enumerate(found)}
    return layers | {"logits": ("class_output", (num_classes, before))}


def _refuse_others(state, layers, source):
    wanted = {f"{name}.{part}" for name, _ in layers.values() for part in PARTS}
    others = [n for n in state if n not in wanted and not UNREAD.fullmatch(n)]
    for name in others:
        if NORM.search(name):
            raise InputError(
                f"{source} has normalisation layers ({shown(name)}), and only networks "
                "without any are read; name one of those, as the paper's are."
            )
    if others:
        raise InputError(
            f"{source} holds {shown(others[0])}, which is no part of such a network; "
            "name a checkpoint of the original JEM."
        )


def _tensor(state, name, shape, source):
    if name not in state:
        raise InputError(f"{source} holds no {name}; name a checkpoint that is whole.")
    array = state[name]
    if array.shape != shape or array.dtype.kind != "f":
        raise InputError(
            f"{source} has {name} as {array.dtype} {list(array.shape)} where the "
            f"network has float {list(shape)}; name a checkpoint of the original JEM."
        )
    return _finite(array, name, source)


def _images(array, source):
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


def _finite(array, name, source):
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(
            f"{source} has numbers in {name} that are not finite; name a checkpoint "
            "from before training diverged."
        )
    return array
