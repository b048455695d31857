"""TensorFlow Datasets: what is prepared on disk first, else downloaded."""

import os
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

from jem_tf.datasets.digits import resize
from jem_tf.errors import InputError

ALIASES = {"svhn": "svhn_cropped"}
# TFDS tries an unreachable network for minutes; this asks once whether there is one.
REACHABLE = "https://storage.googleapis.com/tfds-data"
PATIENCE = 5  # seconds


def load(name, data_dir="", image_size=0):
    """Reads a TFDS image classification set with its `train` and, if any, `test` split.

    Returns:
      ({"train": (images uint8 [N, H, W, C], labels int [N]), "test": ...}, class
      names).

    Raises:
      InputError: if TFDS has no such set, it is no classification of images of one
        size, or it is neither on disk nor to be downloaded.
    """
    builder = _builder(name, data_dir)
    if not builder.is_prepared():
        _download(builder, f"--dataset={name}")
    keys = _keys(builder, name)
    label = builder.info.features[keys[1]]
    splits = {"train": _read(builder, "train", keys, image_size, name)}
    for split in ("test", "validation"):
        if split in builder.info.splits and "test" not in splits:
            splits["test"] = _read(builder, split, keys, image_size, name)
    return splits, label.names


def images(name, data_dir="", most=0):
    """The first images of a TFDS set's test split, labelled or not, in their sizes.

    Args:
      name: of the set, which has a feature "image".
      data_dir: as in `load`.
      most: how many at most; 0: all.

    Returns:
      ([uint8 [H, W, C], ...], the split: "test", else "validation", else "train").

    Raises:
      InputError: if TFDS has no such set, it has no images, or it is neither on disk
        nor to be downloaded.
    """
    import tensorflow_datasets as tfds

    asked = f"--sets={name}"
    builder = _builder(name, data_dir, asked)
    if not builder.is_prepared():
        _download(builder, asked)
    features, splits = builder.info.features, builder.info.splits
    if not isinstance(dict(features.items()).get("image"), tfds.features.Image):
        raise InputError(f"{asked} has no images; choose a set that has.")
    split = next(s for s in ("test", "validation", "train") if s in splits)
    rows = builder.as_dataset(split=f"{split}[:{most}]" if most else split)
    try:
        return [row["image"] for row in rows.as_numpy_iterator()], split
    except (tf.errors.OpError, OSError) as error:
        raise _unreadable(builder, asked) from error


def is_prepared(name, data_dir=""):
    """Whether a TFDS set is on the disk already."""
    return _builder(name, data_dir).is_prepared()


def _builder(name, data_dir, asked=None):
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if data_dir and not os.path.isdir(data_dir):
        raise InputError(
            f"--data_dir={data_dir} is not a folder; make it or name another."
        )
    try:
        return tfds.builder(ALIASES.get(name, name), data_dir=data_dir or None)
    except (
        tfds.core.DatasetNotFoundError,
        ValueError,
        ImportError,
        AssertionError,  # a version that there is not
    ) as error:
        raise InputError(
            f"{asked or f'--dataset={name}'} is no data set that TFDS knows; choose "
            "digits, cifar10, cifar100, svhn, folder:PATH, or a name from "
            "tensorflow.org/datasets/catalog."
        ) from error


def _unreadable(builder, asked):
    return InputError(
        f"{asked} under {builder.data_dir} cannot be read; remove it and prepare it "
        "again."
    )


def _download(builder, asked):
    where = f"{asked} is not prepared under {builder.data_dir_root}"
    try:
        urllib.request.urlopen(REACHABLE, timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        pass  # an answer is an answer
    except (OSError, ValueError) as error:
        raise InputError(
            f"{where} and no network answers to download it from; "
            "give --data_dir=DIR with a prepared TFDS folder, or --dataset=digits."
        ) from error
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever TFDS's downloaders and readers raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{where} and its download failed ({reason}); try again."
        ) from error


def _keys(builder, name):
    """The names of the image and its label, if the set classifies images."""
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
            f"--dataset={name} is no image classification set; choose one that is."
        )
    return keys


def _read(builder, split, keys, image_size, name):
    shape = builder.info.features[keys[0]].shape
    if not image_size and None in shape:
        raise InputError(
            f"--dataset={name} has images of several sizes; "
            "give --image_size=PIXELS, such as 32."
        )
    images, labels = [], []
    try:
        for example in builder.as_dataset(split=split).as_numpy_iterator():
            image = example[keys[0]]
            if image_size and image.shape[:2] != (image_size, image_size):
                image = resize(image, image_size)
            images.append(image)
            labels.append(example[keys[1]])
    except (tf.errors.OpError, OSError) as error:
        raise _unreadable(builder, f"--dataset={name}") from error
    return np.stack(images), np.array(labels)
