"""Sets of images that a model was not trained on, by name.

interpolation    each image is the mean of two test images
uniform          U(-1, 1) in every pixel
constant         one colour an image, drawn evenly
folder:PATH      pictures in a folder and in the folders inside it
anything else    the test split of a TFDS set: svhn, cifar10, cifar100, celeb_a, ...
"""

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.datasets import image_conversion, picture_folders, tfds_sets
from jem_tf.errors import InputError, argument

SYNTHETIC = ("interpolation", "uniform", "constant")
NATURAL = ("svhn", "cifar10", "cifar100")  # the paper's sets except CelebA


def load_outliers(
    name: str,
    test_images: tf.Tensor | np.ndarray,
    *,
    data_dir: str = "",
    limit: int = 0,
    seed: int = 0,
) -> tuple[np.ndarray, str]:
    """Loads one set of outliers and converts it to the test images' shape.

    Args:
      name: one of SYNTHETIC, "folder:PATH" or the name of a TFDS set.
      test_images: uint8 [N, H, W, C], test images of the model's data set.
      data_dir: a folder with prepared TFDS data, which is searched first.
      limit: the largest number M of images; 0: all images of a folder or TFDS set, or N
        synthetic ones.
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
        return _synthetic(name, test_images, limit or len(test_images), seed)
    if name.startswith("folder:"):
        images = picture_folders.read_pictures(name, limit)
        source = f"pictures of {name.removeprefix('folder:')}, evenly over their names"
    else:
        images, split = tfds_sets.read_tfds_images(name, data_dir, limit=limit)
        source = f"TFDS {name}, {split} split"
    try:
        converted, how = image_conversion.convert_images(images, test_images.shape[1:])
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
      that are not]). Neither list has `dataset`.
    """
    others = [name for name in NATURAL if name != dataset]
    prepared = [name for name in others if tfds_sets.is_prepared(name, data_dir)]
    return [*prepared, *SYNTHETIC], [name for name in others if name not in prepared]


def shorten_name(name: str) -> str:
    """Returns a set's name for a key of metrics: the last part of a folder's path."""
    return name.rstrip("/").split("/")[-1].removeprefix("folder:")


def _synthetic(
    name: str, test_images: tf.Tensor | np.ndarray, n: int, seed: int
) -> tuple[np.ndarray, str]:
    generator = np.random.default_rng([seed, *name.encode()])
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
    return (images[first] + images[second]) / 2, "means of two test images"
