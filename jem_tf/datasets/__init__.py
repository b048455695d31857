"""Data sets by name, in memory: images uint8 [N, H, W, C] and labels int32 [N].

    digits          scikit-learn's handwritten digits, carried by the package
    folder:PATH     a folder of pictures a class
    anything else   a TFDS image classification set: cifar10, cifar100, svhn, ...

The test split is the set's own where there is one. Validation images (a tenth of the
training ones, 5,000 at most) and missing test splits are held out by a rule that
depends on the data alone, so that every seed and every recipe is judged on the same
images.
"""

import collections

import numpy as np
import tensorflow as tf

from jem_tf.datasets import digits, picture_folders, tfds_sets
from jem_tf.errors import InputError

Split = collections.namedtuple("Split", "images labels")
Dataset = collections.namedtuple("Dataset", "train validation test class_names flip")

MOST_VALIDATION = 5000
MIRRORED_IS_ANOTHER = ("digits", "mnist", "svhn", "svhn_cropped", "emnist", "kmnist")


def load(name, *, data_dir="", image_size=0):
    """Loads the data set called `name` into memory.

    Args:
      name: see the module's docstring.
      data_dir: where prepared TFDS data are looked for first; TFDS's own place if
        empty.
      image_size: pixels a side to resize to; 0 leaves images of one size as they are.

    Returns:
      Dataset(train, validation, test: Split(images uint8 [N, H, W, C], labels int32
      [N]), both tf.Tensor; class_names: a tuple of K names; flip: whether a mirrored
      image keeps its label).

    Raises:
      InputError: if the set is unknown, absent, unreadable, or has fewer than two
        classes.
    """
    if name == "digits":
        splits, class_names = digits.digits(image_size)
    elif name.startswith("folder:"):
        splits, class_names = picture_folders.load(
            name.removeprefix("folder:"), image_size
        )
    else:
        splits, class_names = tfds_sets.load(name, data_dir, image_size)
    train, test = splits["train"], splits.get("test")
    if test is None:
        train, test = _hold_out(train, len(train[1]) // 5, "test")
    held_out = validation_size(len(train[1]))
    train, validation = _hold_out(train, held_out, "validation")
    learnt = len(np.unique(train[1]))
    if learnt < len(class_names) or min(len(validation[1]), len(test[1])) == 0:
        raise InputError(
            f"--dataset={name} has too few images to train, validate and test; "
            "add some."
        )
    splits = (_split(*split) for split in (train, validation, test))
    return Dataset(*splits, tuple(class_names), name not in MIRRORED_IS_ANOTHER)


def validation_size(count):
    """How many of so many training images are held out for validation."""
    return min(MOST_VALIDATION, count // 10)


def pixels(images):
    """uint8 [..., H, W, C] in 0..255 -> float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def eight_bit(pixels_):
    """Pixels in [-1, 1], clipped to it, as numpy uint8 in 0..255: undoes `pixels`."""
    return np.clip(np.round((pixels_ + 1) * 127.5), 0, 255).astype("uint8")


def _hold_out(split, count, purpose):
    """Deals `count` images of (images, labels) out of it, of each class its share.

    Both parts come in an order at random, which like the choice is always the same.
    """
    images, labels = split
    order = np.random.default_rng(list(purpose.encode())).permutation(len(labels))
    depth = np.empty(len(labels))  # of an image in its class: 0 comes out first, 1 last
    for y in np.unique(labels):
        own = order[labels[order] == y]
        depth[own] = (np.arange(len(own)) + 0.5) / len(own)
    order = order[np.argsort(depth[order], kind="stable")]
    out, kept = order[:count], np.random.default_rng(0).permutation(order[count:])
    return (images[kept], labels[kept]), (images[out], labels[out])


def _split(images, labels):
    return Split(tf.constant(images, tf.uint8), tf.constant(labels, tf.int32))
