"""Data sets by name, in memory: images uint8 [N, H, W, C] and labels int32 [N].

    digits          scikit-learn's handwritten digits, which need no download
    folder:PATH     pictures in a folder, which has one folder inside for each class,
                    or splits (train, val, test) that have them
    anything else   a TFDS image classification set: cifar10, cifar100, svhn, ...

Images without a label are left out, and so are classes without a training image.

This module has `load`. The other modules are

    digits, picture_folders, tfds_sets   readers, one for each line of the table above
    splits                               what is trained, validated and tested on
    few_labels                           the labels that a semi-supervised run may use
    batches                              training batches as a function of (seed, step)
    augmentation                         crops, mirrors and cutouts of such a batch
    outliers                             sets of images that a model was not trained on
    openood                              groups of such sets, near and far
    set_names                            what the name of a set says
    missing_labels                       labels and classes that are missing
    paper_set_info                       class names and sizes without the images
    name_checks                          refuses names that are not text, or look alike
    class_numbers                        what a number means as a label
    folder_layout, folder_splits, folder_listing
                                         what is where in a folder of pictures
    picture_files                        one picture file
    repeated_pictures                    pictures that are there twice
    tfds_images                          images of TFDS of every depth, with alpha
    image_conversion                     changes of depth, alpha, size and channels

This folder imports `errors`, `system` and `pixels` alone.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.datasets import (
    digits,
    missing_labels,
    name_checks,
    picture_folders,
    set_names,
    tfds_sets,
)
from jem_tf.datasets.splits import deal
from jem_tf.errors import InputError, argument, arguments_renamed, whole_number
from jem_tf.system import files


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
    test_source: str = "the test split"  # what stands as `test`, for protocols


NEVER_FLIPPED = (  # base names of sets of characters
    "digits mnist svhn_cropped emnist kmnist mnist_corrupted binary_alpha_digits "
    "cmaterdb omniglot"
).split()


def load(
    name: str,
    *,
    data_dir: str = "",
    image_size: int = 0,
    class_names: Sequence[str] = (),
) -> Dataset:
    """Loads the data set called `name` into memory.

    Args:
      name: "digits", "folder:PATH" or the name of a TFDS set.
      data_dir: a folder with prepared TFDS data, which is searched first; TFDS's own
        folder if empty. Of "folder:PATH", the place where the folder is now.
      image_size: pixels a side to resize to; 0 leaves images of one size as they are.
      class_names: the order of the classes of a folder, as a run recorded it; left out
        of account if the folder has other classes.

    Returns:
      The three splits, the class names and whether images may be mirrored, which is
      decided by the set's base name (`set_names.base_name`).

    Raises:
      InputError: if the set is unknown, absent, unreadable, unlabelled, or has fewer
        than two classes, names of classes that are not text, or too few images for
        three splits.
    """
    name, image_size = str(name), whole_number("image_size", image_size, 0)
    splits, names = _read(name, data_dir, image_size, class_names)
    name_checks.check_names(names, name)
    splits = missing_labels.drop_unlabelled(name, splits)
    splits, names = missing_labels.drop_absent_classes(name, splits, names)
    train, validation, test, test_source = deal(splits)
    learnt = len(np.unique(train[1]))
    if learnt < len(names) or min(len(validation[1]), len(test[1])) == 0:
        raise InputError(
            f"{argument('name', name)} has too few images to train, validate and test; "
            "add some."
        )
    return Dataset(
        train=_split(*train),
        validation=_split(*validation),
        test=_split(*test),
        class_names=tuple(names),
        flip=set_names.base_name(name) not in NEVER_FLIPPED,
        test_source=test_source,
    )


def place_of(name: str, data_dir: str = "") -> str:
    """Returns the absolute path of the folder that `load` reads; "" if none was named.

    Args:
      name, data_dir: as in `load`. Of a folder of pictures, a `data_dir` with prepared
        TFDS sets is not the place: it is for other sets, such as outliers.
    """
    place = set_names.folder_of(name)
    if data_dir and (place is None or not tfds_sets.holds_sets(data_dir)):
        place = files.expand(data_dir)
    return "" if place is None or name == "digits" else os.path.abspath(place)


def _read(
    name: str, data_dir: str, image_size: int, class_names: Sequence[str]
) -> tuple[dict[str, missing_labels.Arrays], list[str]]:
    if name == "digits":
        return digits.read_digits(image_size)
    folder = set_names.folder_of(name)
    if folder is None:
        return tfds_sets.read_tfds(name, data_dir, image_size=image_size)
    place = place_of(name, data_dir)
    if place == os.path.abspath(folder):
        return picture_folders.read_folder(name, image_size, class_names)
    with arguments_renamed(name="data_dir"):
        return picture_folders.read_folder(f"folder:{place}", image_size, class_names)


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    if _is_sorted(labels):
        order = np.random.default_rng(0).permutation(len(labels))
        images, labels = images[order], labels[order]
    return Split(tf.constant(images, tf.uint8), tf.constant(labels, tf.int32))


def _is_sorted(labels: np.ndarray) -> bool:
    """Whether a split comes class by class: its first images are then of one class."""
    classes = len(np.unique(labels))
    return 1 < classes < len(labels) / 2 and bool(np.all(np.diff(labels) >= 0))
