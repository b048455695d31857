"""State dicts as the JEM authors' code has them, as arrays; nothing takes PyTorch."""

import numpy as np
from PIL import Image


def shapes(depth=10, width=1, classes=10):
    """{name: shape} of the tensors of their network, heads that nobody reads too."""
    stem, *groups = 16, 16 * width, 32 * width, 64 * width
    layers = {"f.conv1": (stem, 3, 3, 3)}
    last = stem
    for number, channels in zip("123", groups, strict=True):
        for block in range((depth - 4) // 6):
            at = f"f.layer{number}.{block}."
            layers[at + "conv1"] = (channels, last, 3, 3)
            layers[at + "conv2"] = (channels, channels, 3, 3)
            if block == 0 and (number, width) != ("1", 1):
                layers[at + "shortcut.0"] = (channels, last, 1, 1)
            last = channels
    layers["f.linear"] = (10, last)
    layers["energy_output"], layers["class_output"] = (1, last), (classes, last)
    parts = {}
    for name, shape in layers.items():
        parts |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return parts


def state(depth=10, width=1, classes=10, seed=0):
    """{name: array} at random, such that signals keep their size on their way."""
    random, arrays = np.random.default_rng(seed), {}
    for name, shape in shapes(depth, width, classes).items():
        values = random.normal(size=shape) * np.sqrt(2 / max(1, np.prod(shape[1:])))
        arrays[name] = values.astype(np.float32)
    return arrays


def images(count, seed=0):
    """A replay buffer [N, 3, 32, 32] whose chains have left [-1, 1] a little."""
    values = np.random.default_rng(seed).uniform(-1.1, 1.1, (count, 3, 32, 32))
    return values.astype(np.float32)


def pictures(root, count):
    """A folder of two classes, so many pictures each."""
    random = np.random.default_rng(0)
    for name in ("bird", "cat"):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
