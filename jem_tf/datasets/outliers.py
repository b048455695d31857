"""Sets of images that a model was not trained on, by name.

interpolation    each image is the mean of two images of the model's data set
uniform          U(-1, 1) in every pixel
constant         one colour an image, drawn evenly
folder:PATH      pictures in a folder and in the folders inside it
anything else    the test split of a TFDS set: svhn, cifar10, cifar100, celeb_a, ...
"""

import itertools
import os
import re
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.datasets import image_conversion, picture_folders, set_names, tfds_sets
from jem_tf.errors import InputError, argument

SYNTHETIC = ("interpolation", "uniform", "constant")
NATURAL = ("svhn", "cifar10", "cifar100")  # the paper's sets except CelebA
# Parts of a set by its own order: choices are made on one half, results on the other.
HALVES = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}


def load_outliers(
    name: str,
    test_images: tf.Tensor | np.ndarray,
    *,
    data_dir: str = "",
    limit: int = 0,
    half: str = "all",
    seed: int = 0,
) -> tuple[np.ndarray, str]:
    """Loads one set of outliers and converts it to the test images' shape.

    Args:
      name: one of SYNTHETIC, "folder:PATH" or the name of a TFDS set.
      test_images: uint8 [N, H, W, C], images of the model's data set that training did
        not see.
      data_dir: a folder with prepared TFDS data, which is searched first.
      limit: the largest number M of images; 0: all images of a folder or TFDS set, or N
        synthetic ones.
      half: one of HALVES: the images of even or odd index in the set, before `limit`.
        The halves of a synthetic set are two draws of M images.
      seed: int, for synthetic images.

    Returns:
      (images uint8 [M, H, W, C], or float32 in [-1, 1]; a phrase that says what they
      are).

    Raises:
      InputError: if there is no such set or no picture in it, if its images cannot be
        made ones of C channels, or if fewer than two test images are to be
        interpolated.
    """
    if name in SYNTHETIC:
        count = limit or len(test_images)
        stream = [seed, *name.encode(), *{"all": [], "even": [1], "odd": [2]}[half]]
        drawn, how = _synthetic(name, test_images, count, stream)
        return drawn, how if half == "all" else f"{how}; the draw of the {half} half"
    part = HALVES[half]
    images: Iterable[np.ndarray]
    if set_names.folder_of(name) is not None:
        images = picture_folders.read_pictures(name, limit, part)
        source = f"pictures of {name.removeprefix('folder:')}, evenly over their names"
    else:
        images, split = tfds_sets.read_tfds_images(
            name, data_dir, limit=limit, part=part
        )
        source = f"TFDS {name}, {split} split"
    if half != "all":
        source += f", those of {half} index"
    try:
        converted, how = image_conversion.convert_images(images, test_images.shape[1:])
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            f"{argument('name', name)} has images of {error}, as the model takes; "
            f"choose {', '.join(SYNTHETIC)} or images of as many channels."
        ) from error
    return converted, f"{source}; {how}"


def default_sets(dataset: str, data_dir: str = "") -> tuple[list[str], list[str]]:
    """Chooses the sets of outliers if the user names none.

    Args:
      dataset: the name of the set that the model was trained on.
      data_dir: as in `load_outliers`.

    Returns:
      ([the sets of SYNTHETIC, and those of NATURAL that are on disk], [those of NATURAL
      that are not]). Neither list has `dataset`, whatever its version and spelling.
    """
    own = set_names.base_name(dataset)
    others = [name for name in NATURAL if set_names.base_name(name) != own]
    prepared = [name for name in others if tfds_sets.is_prepared(name, data_dir)]
    return [*prepared, *SYNTHETIC], [name for name in others if name not in prepared]


def expand_auto(
    names: Sequence[str], dataset: str, data_dir: str = ""
) -> tuple[list[str], list[str]]:
    """Puts the sets of `default_sets` for "auto", but for those named beside it.

    Args:
      names: as in `load_outliers`, with "auto" among them.
      dataset, data_dir: as in `default_sets`.

    Returns:
      (names, the sets that are not on disk), as `default_sets` does.

    Raises:
      InputError: if TFDS has no set of a name.
    """
    given = [name for name in names if name != "auto"]
    own = {identify(name, data_dir) for name in given}
    usual, absent = (
        [name for name in some if identify(name, data_dir) not in own]
        for some in default_sets(dataset, data_dir)
    )
    return [*given, *usual], absent


def identify(name: str, data_dir: str = "") -> str:
    """Returns what a name stands for: two sets are one if this is equal.

    Args:
      name: as in `load_outliers`, or "digits".
      data_dir: as in `load_outliers`.

    Returns:
      The real path of a folder, the full name of a TFDS set with its version, or
      `name`.

    Raises:
      InputError: if TFDS has no such set.
    """
    if (folder := set_names.folder_of(name)) is not None:
        return f"folder:{os.path.realpath(folder)}"
    if name in (*SYNTHETIC, "digits"):
        return name
    return tfds_sets.full_name(name, data_dir)


def overlap(one: str, other: str) -> bool:
    """Whether two sets, as `identify` returns them, have images in common.

    They have if they are versions of one TFDS set, or one folder lies in the other.
    """
    if not (one.startswith("folder:") and other.startswith("folder:")):
        return re.sub(r"/[\d.]+$", "", one) == re.sub(r"/[\d.]+$", "", other)
    shared = os.path.commonpath([one, other])
    return shared in (one, other)


def metric_keys(names: Sequence[str], positives: str = "test") -> dict[str, str]:
    """Makes a key of metrics for each set: {name: key}, no key twice.

    A key is the last part of a name, with the parts before it as far as it takes to
    tell the sets apart: "birds", or "old-birds" and "new-birds". None is the key of the
    positives, and none ends as the key of an interval does.

    Args:
      names: as in `load_outliers`, each once.
      positives: the key of the images that are no outliers.
    """
    parts = {name: _parts(name) for name in names}
    depths = dict.fromkeys(names, 1)
    while True:
        keys = {name: "-".join(parts[name][-depths[name] :]) for name in names}
        taken = [positives, *keys.values()]
        longer = [
            name
            for name, key in keys.items()
            if taken.count(key) > 1 and depths[name] < len(parts[name])
        ]
        if not longer:
            break
        for name in longer:
            depths[name] += 1
    unique: dict[str, str] = {}
    for name, key in keys.items():
        key = f"{key}-set" if key.endswith(("_ci", "_std")) else key
        taken = [positives, *unique.values()]
        free = itertools.chain([key], (f"{key}-{n}" for n in itertools.count(2)))
        unique[name] = next(candidate for candidate in free if candidate not in taken)
    return unique


def _parts(name: str) -> list[str]:
    """The parts of a name from which its key is made, the last one first used."""
    folder = set_names.folder_of(name)
    if folder is None:
        return name.split("/")
    return [part for part in os.path.abspath(folder).split(os.sep) if part] or [name]


def _synthetic(
    name: str, test_images: tf.Tensor | np.ndarray, n: int, seed: Sequence[int]
) -> tuple[np.ndarray, str]:
    generator = np.random.default_rng(seed)
    shape = (n, *test_images.shape[1:])
    if name == "uniform":
        return generator.uniform(-1, 1, shape).astype("float32"), "U(-1, 1), float"
    if name == "constant":
        colours = generator.integers(0, 256, [n, 1, 1, shape[-1]], dtype="uint8")
        return np.broadcast_to(colours, shape).copy(), "one 8-bit colour an image"
    if len(test_images) < 2:
        raise InputError(
            f"{argument('name', name)} takes at least two test images, and there is "
            f"{len(test_images)}; give more."
        )
    first = generator.integers(0, len(test_images), n)
    second = (first + generator.integers(1, len(test_images), n)) % len(test_images)
    images = pixels.from_uint8(test_images).numpy()
    return (images[first] + images[second]) / 2, "means of two of the positives"
