"""Images that a model was not trained on, by name.

interpolation    the means of two test images each
uniform          U(-1, 1) in every pixel
constant         one colour an image, drawn evenly
folder:PATH      pictures in a folder, and in the folders within
anything else    the test split of a TFDS set: svhn, cifar10, cifar100, celeb_a, ...
"""

import numpy as np
import tensorflow as tf

from jem_tf.datasets import picture_folders, pixels, tfds_sets
from jem_tf.datasets.digits import resize
from jem_tf.errors import InputError

MADE = ("interpolation", "uniform", "constant")
USUAL = ("svhn", "cifar10", "cifar100")  # the paper's, but for CelebA


def load(name, test_images, *, data_dir="", most=0, seed=0):
    """One set of outliers, converted to the test images' shape.

    Args:
      name: see the module's docstring.
      test_images: uint8 [N, H, W, C], of what the model was trained on.
      data_dir: where prepared TFDS data are looked for first.
      most: how many at most; 0: as many as there are, or as test images.
      seed: int, of the made ones.

    Returns:
      (images uint8 [M, H, W, C], or float in [-1, 1]; what they are, in words).

    Raises:
      InputError: if there is no such set, or no picture in it.
    """
    if name in MADE:
        return _made(name, test_images, most or len(test_images), seed)
    if name.startswith("folder:"):
        images = picture_folders.pictures(name, most)
        source = f"pictures of {name.removeprefix('folder:')}, evenly over their names"
    else:
        images, split = tfds_sets.images(name, data_dir, most)
        source = f"TFDS {name}, {split} split"
    converted, how = convert(images, test_images.shape[1:])
    return converted, f"{source}; {how}"


def usual(dataset, data_dir=""):
    """What `auto` stands for: ([the names to be had], [those not on the disk])."""
    others = [name for name in USUAL if name != dataset]
    there = [name for name in others if tfds_sets.is_prepared(name, data_dir)]
    return [*there, *MADE], [name for name in others if name not in there]


def short(name):
    """A set's name in the keys of metrics: without slashes and what stands before."""
    return name.rstrip("/").split("/")[-1].removeprefix("folder:")


def convert(images, shape):
    """Images of any size, grey or coloured, as images of a shape.

    Args:
      images: [uint8 [h, w, c]], a sequence or an array, c being 1 or 3.
      shape: (H, W, C), C being 1 or 3.

    Returns:
      (uint8 [N, H, W, C], what was done to them, in words).
    """
    height, width, channels = map(int, shape)
    done = {}
    converted = []
    for image in images:
        if image.shape[:2] != (height, width):
            done[f"resized to {height}x{width}, bilinear with antialiasing"] = True
            image = _resized(image, height, width)
        if image.shape[-1] != channels:
            grey = channels == 1
            done["made grey (ITU-R 601)" if grey else "grey repeated to RGB"] = True
            image = _grey(image) if grey else np.repeat(image, channels, axis=-1)
        converted.append(image)
    return np.stack(converted), ", ".join(done) or "as they are"


def _made(name, test_images, n, seed):
    generator = np.random.default_rng([seed, *name.encode()])
    shape = (n, *test_images.shape[1:])
    if name == "uniform":
        return generator.uniform(-1, 1, shape).astype("float32"), "U(-1, 1), float"
    if name == "constant":
        colours = generator.integers(0, 256, [n, 1, 1, shape[-1]], dtype="uint8")
        return np.broadcast_to(colours, shape).copy(), "one 8-bit colour an image"
    if len(test_images) < 2:
        raise InputError("--sets=interpolation takes two test images; raise --limit.")
    first = generator.integers(0, len(test_images), n)
    second = (first + generator.integers(1, len(test_images), n)) % len(test_images)
    test_images = pixels(test_images).numpy()
    return (test_images[first] + test_images[second]) / 2, "means of two test images"


def _resized(image, height, width):
    if height == width:
        return resize(image, height)
    image = tf.image.resize(image, [height, width], antialias=True)
    return tf.cast(tf.round(image), tf.uint8).numpy()


def _grey(image):
    return np.round(image @ np.array([[0.299], [0.587], [0.114]])).astype("uint8")
