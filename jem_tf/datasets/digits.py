"""Data sets that the packages carry: nothing to download."""

import numpy as np
import tensorflow as tf


def digits(image_size=0):
    """scikit-learn's 1,797 real handwritten digits (UCI optdigits), 8x8 and grey.

    Returns:
      ({"train": (images uint8 [N, S, S, 1], labels int [N])}, ten class names).
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.round(data.images[..., None] * (255 / 16)).astype("uint8")
    if image_size not in (0, 8):
        images = resize(images, image_size)
    return {"train": (images, data.target)}, [str(name) for name in data.target_names]


def resize(images, size):
    """uint8 [..., H, W, C] -> uint8 [..., size, size, C], bilinear, antialiased."""
    images = tf.image.resize(images, [size, size], antialias=True)
    return tf.cast(tf.round(images), tf.uint8).numpy()
