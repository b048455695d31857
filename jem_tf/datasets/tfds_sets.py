"""TensorFlow Datasets: sets are read from disk, or downloaded if they are absent."""

import itertools
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.datasets import image_conversion, set_names, tfds_images
from jem_tf.errors import InputError, argument
from jem_tf.system import files

Splits = dict[str, tuple[np.ndarray, np.ndarray]]  # {split: (images, labels)}

# TFDS tries an unreachable network for minutes; this asks once whether there is one.
PROBE_URL = "https://storage.googleapis.com/tfds-data"
TIMEOUT = 5  # seconds


def read_tfds(
    name: str, data_dir: str = "", *, image_size: int = 0
) -> tuple[Splits, list[str]]:
    """Reads the training and test split of a TFDS image classification set.

    If there is no test split, or one that was published without labels, the validation
    split is read as well.

    Args:
      name: of the set, such as "cifar10".
      data_dir: a folder with prepared TFDS data; TFDS's own folder if empty.
      image_size: pixels a side to resize to; 0 leaves images of one size as they are.

    Returns:
      ({"train": (images uint8 [N, H, W, C], labels int [N]), "test": ...,
      "validation": ...}, class names); a label that is missing is -1. "test" and
      "validation" are there if they were read. C is 1 or 3:
      `image_conversion.standardise` makes other depths 8 bits and lays what is
      transparent over white.

    Raises:
      InputError: if TFDS has no such set, it does not classify images of one size, it
        has no training split, its pixels are of no known scale, or it is neither on
        disk nor can be downloaded.
    """
    builder = _prepared_builder(name, data_dir)
    keys = _keys(builder, name)
    label = builder.info.features[keys[1]]
    if "train" not in builder.info.splits:
        raise InputError(
            f"{argument('name', name)} has no train split, only "
            f"{', '.join(sorted(builder.info.splits))}; choose a set that has."
        )
    splits = {"train": _read(builder, "train", keys, image_size, name)}
    for split in ("test", "validation"):
        if split in builder.info.splits:
            splits[split] = _read(builder, split, keys, image_size, name)
            if (splits[split][1] >= 0).any():
                break
    return _of_equal_channels(splits), label.names


def _of_equal_channels(splits: Splits) -> Splits:
    """Repeats the grey of a split where another one is RGB."""
    if len({images.shape[-1] for images, _ in splits.values() if len(images)}) < 2:
        return splits
    return {
        split: (np.broadcast_to(images, (*images.shape[:-1], 3)), labels)
        for split, (images, labels) in splits.items()
    }


def read_tfds_images(
    name: str, data_dir: str = "", *, limit: int = 0, part: slice = slice(None)
) -> tuple[Iterator[np.ndarray], str]:
    """Reads the first images of a TFDS set's test split, labelled or not, one by one.

    Args:
      name: of the set, which has a feature "image".
      data_dir: as in `read_tfds`.
      limit: the largest number of images; 0: all.
      part: which images of the split to take, before `limit`.

    Returns:
      (uint8 [H, W, 1 or 3] each, of its own size; the split: "test" if there is one,
      else "validation", else "train").

    Raises:
      InputError: if TFDS has no such set, it has no images, or it is neither on disk
        nor can be downloaded; at an image, if it cannot be read.
    """
    import tensorflow_datasets as tfds

    builder = _prepared_builder(name, data_dir)
    features, splits = builder.info.features, builder.info.splits
    if not isinstance(dict(features.items()).get("image"), tfds.features.Image):
        raise InputError(
            f"{argument('name', name)} has no images; choose a set that has."
        )
    split = next(s for s in ("test", "validation", "train") if s in splits)
    first = (part.start or 0) + limit * (part.step or 1)  # enough for `limit` images
    first = min(first, splits[split].num_examples)
    some = f"{split}[:{first}]" if limit else split
    rows = tfds_images.read_rows(builder, some, "image", name)
    chosen = itertools.islice(rows, part.start, None, part.step)
    return _images(itertools.islice(chosen, limit or None), builder, name), split


def _images(
    rows: Iterable[dict[str, Any]], builder: Any, name: str
) -> Iterator[np.ndarray]:
    """The images of rows of a set; InputError where one cannot be read."""
    try:
        for row in rows:
            yield row["image"]
    except (tf.errors.OpError, OSError) as error:
        raise _unreadable(builder, name) from error


def full_name(name: str, data_dir: str = "") -> str:
    """Returns what a name stands for: "svhn" is "svhn_cropped/3.1.0".

    Raises:
      InputError: if TFDS has no such set.
    """
    return _builder(name, data_dir).info.full_name


def holds_sets(folder: str) -> bool:
    """Returns whether prepared TFDS sets lie in a folder."""
    root = files.expand(folder)
    depths = ("*/*", "*/*/*")  # NAME/VERSION, NAME/CONFIG/VERSION
    return any(any(root.glob(f"{depth}/dataset_info.json")) for depth in depths)


def is_prepared(name: str, data_dir: str = "") -> bool:
    """Returns whether a TFDS set is on the disk already.

    Raises:
      InputError: if TFDS has no such set.
    """
    return _builder(name, data_dir).is_prepared()


def _prepared_builder(name: str, data_dir: str) -> Any:
    """The tfds.core.DatasetBuilder of a set, which is downloaded if need be."""
    builder = _builder(name, data_dir)
    if not builder.is_prepared():
        _download(builder, name)
    return builder


def _builder(name: str, data_dir: str) -> Any:
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    place = files.expand(data_dir) if data_dir else None
    if place and not place.is_dir():
        raise InputError(
            f"{argument('data_dir', data_dir)} is not a folder; make it or name "
            "another."
        )
    try:
        return tfds.builder(set_names.in_tfds(name), data_dir=place)
    except (
        tfds.core.DatasetNotFoundError,
        ValueError,
        TypeError,  # an argument that the set does not take: NAME/split=train
        ImportError,
        AssertionError,  # a version that does not exist
    ) as error:
        path = re.sub("^folder:", "", name, flags=re.IGNORECASE)
        meant = f" (did you mean folder:{path}?)" if files.expand(path).is_dir() else ""
        raise InputError(
            f"{argument('name', name)} is no data set that TFDS knows{meant}; choose "
            "digits, cifar10, cifar100, svhn, folder:PATH, or a name from "
            "tensorflow.org/datasets/catalog."
        ) from error


def _unreadable(builder: Any, name: str) -> InputError:
    return InputError(
        f"{argument('name', name)} under {builder.data_dir} cannot be read; remove it "
        "and prepare it again."
    )


def _download(builder: Any, name: str) -> None:
    absent = f"{argument('name', name)} is not prepared under {builder.data_dir_root}"
    try:
        urllib.request.urlopen(PROBE_URL, timeout=TIMEOUT).close()
    except urllib.error.HTTPError:
        pass  # an answer with an error is an answer: there is a network
    except (OSError, ValueError) as error:
        raise InputError(
            f"{absent} and no network answers to download it from; give "
            f"{argument('data_dir', 'DIR')} with a prepared TFDS folder, or choose a "
            "set that needs no download."
        ) from error
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever TFDS's downloaders and readers raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{absent} and its download failed ({reason}); try again."
        ) from error


def _keys(builder: Any, name: str) -> tuple[str, str]:
    """The names of the features image and label, if the set classifies images."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    keys = builder.info.supervised_keys or ("image", "label")
    kinds = (tfds.features.Image, tfds.features.ClassLabel)
    if (
        len(keys) != 2
        or not all(key in features for key in keys)
        or not all(
            isinstance(features[k], kind) for k, kind in zip(keys, kinds, strict=True)
        )
    ):
        raise InputError(
            f"{argument('name', name)} is no image classification set; choose one that "
            "is."
        )
    return keys


def _read(
    builder: Any, split: str, keys: tuple[str, str], image_size: int, name: str
) -> tuple[np.ndarray, np.ndarray]:
    shape = builder.info.features[keys[0]].shape
    if not image_size and None in shape[:2]:
        raise InputError(
            f"{argument('name', name)} has images of several sizes; give "
            f"{argument('image_size', 'PIXELS')}, such as 32."
        )
    images, labels = [], []
    try:
        for example in tfds_images.read_rows(builder, split, keys[0], name):
            image = example[keys[0]]
            if image_size and image.shape[:2] != (image_size, image_size):
                image = image_conversion.resize(image, (image_size, image_size))
            images.append(image)
            labels.append(example[keys[1]])
    except (tf.errors.OpError, OSError) as error:
        raise _unreadable(builder, name) from error
    if not images:
        return np.empty([0, 1, 1, 1], "uint8"), np.empty(0, int)
    if len({image.shape[-1] for image in images}) > 1:  # grey ones among RGB
        images = [image_conversion.to_channels(image, 3) for image in images]
    return np.stack(images), np.array(labels)
