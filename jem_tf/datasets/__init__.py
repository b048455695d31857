"""Data sets by name, in memory: images uint8 [N, H, W, C] and labels int32 [N].

    digits          scikit-learn's handwritten digits, which need no download
    folder:PATH     pictures in a folder, which has one folder inside for each class,
                    or splits (train, val, test) that have them
    anything else   a TFDS image classification set: cifar10, cifar100, svhn, ...

The test split is the set's own where it has one. Validation images (a tenth of the
training images, 5,000 at most) and missing test splits are held out by a rule that
depends on the data alone, so every seed and recipe is evaluated on the same images.

This module has `load`. The other modules are

    digits, picture_folders, tfds_sets   readers, one for each line of the table above
    batches                              training batches as a function of (seed, step)
    outliers                             sets of images that a model was not trained on
    paper_set_info                       class names and sizes without the images
    tfds_images                          images of TFDS of every depth, with alpha
    folder_layout, folder_listing        what is where in a folder of pictures
    class_numbers                        what a number means as a label
    picture_files                        one picture file
    image_conversion                     changes of depth, alpha, size and channels

This folder imports `errors`, `system` and `pixels` alone.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.datasets import digits, picture_folders, tfds_sets
from jem_tf.errors import InputError, argument


class Split(NamedTuple):
    """Some images of a data set and their labels."""

    images: tf.Tensor  # uint8 [N, H, W, C]
    labels: tf.Tensor  # int32 [N], in 0..K-1


class Dataset(NamedTuple):
    """A data set of K classes in memory."""

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]  # K, in the order of the labels
    flip: bool  # whether a mirrored image keeps its label


MOST_VALIDATION = 5000
NEVER_FLIPPED = ("digits", "mnist", "svhn", "svhn_cropped", "emnist", "kmnist")


def load(name: str, *, data_dir: str = "", image_size: int = 0) -> Dataset:
    """Loads the data set called `name` into memory.

    Args:
      name: "digits", "folder:PATH" or the name of a TFDS set.
      data_dir: a folder with prepared TFDS data, which is searched first; TFDS's own
        folder if empty.
      image_size: pixels a side to resize to; 0 leaves images of one size as they are.

    Returns:
      The three splits, the class names and whether images may be mirrored.

    Raises:
      InputError: if the set is unknown, absent, unreadable, or has fewer than two
        classes or too few images for three splits.
    """
    if name == "digits":
        splits, class_names = digits.read_digits(image_size)
    elif name.startswith("folder:"):
        splits, class_names = picture_folders.read_folder(name, image_size)
    else:
        splits, class_names = tfds_sets.read_tfds(name, data_dir, image_size=image_size)
    train, validation = splits["train"], splits.get("validation")
    test = splits.get("test")
    if test is None and validation is not None:
        test, validation = validation, None
    if test is None:
        train, test = _hold_out(train, len(train[1]) // 5, "test")
    held_out = validation_size(len(train[1])) if validation is None else 0
    train, more = _hold_out(train, held_out, "validation")
    validation = more if validation is None else validation
    learnt = len(np.unique(train[1]))
    if learnt < len(class_names) or min(len(validation[1]), len(test[1])) == 0:
        raise InputError(
            f"{argument('name', name)} has too few images to train, validate and test; "
            "add some."
        )
    return Dataset(
        train=_split(*train),
        validation=_split(*validation),
        test=_split(*test),
        class_names=tuple(class_names),
        flip=name not in NEVER_FLIPPED,
    )


def validation_size(count: int) -> int:
    """Returns how many of `count` training images are held out for validation."""
    return min(MOST_VALIDATION, count // 10)


def _hold_out(
    split: tuple[np.ndarray, np.ndarray], count: int, purpose: str
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Divides (images, labels) into a part to keep and `count` that are held out.

    Each class has its share in both. Both are in a random order, which depends on
    `purpose` and the labels alone.
    """
    images, labels = split
    order = np.random.default_rng(list(purpose.encode())).permutation(len(labels))
    depth = np.empty(len(labels))  # of an image in its class: 0 comes out first, 1 last
    for y in np.unique(labels):
        of_class = order[labels[order] == y]
        depth[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    order = order[np.argsort(depth[order], kind="stable")]
    out, kept = order[:count], np.random.default_rng(0).permutation(order[count:])
    return (images[kept], labels[kept]), (images[out], labels[out])


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(tf.constant(images, tf.uint8), tf.constant(labels, tf.int32))
