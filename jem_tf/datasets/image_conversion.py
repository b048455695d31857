"""Changes of images in size (bilinear, antialiased) and in channels (grey or RGB)."""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

GREY = np.array([[0.299], [0.587], [0.114]])  # luma of R, G and B, ITU-R BT.601


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes uint8 [..., h, w, C] to uint8 [..., H, W, C], `size` being (H, W)."""
    resized = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8).numpy()


def convert_images(
    images: Iterable[np.ndarray], shape: Sequence[int]
) -> tuple[np.ndarray, str]:
    """Converts images of any size, grey or coloured, to one shape.

    Args:
      images: uint8 [h, w, c] each, where c is 1 or 3; a sequence or an array.
      shape: (H, W, C), where C is 1 or 3.

    Returns:
      (uint8 [N, H, W, C], a phrase that says how the images were changed).
    """
    height, width, channels = map(int, shape)
    changes: dict[str, bool] = {}  # each once, in the order of their first use
    converted = []
    for image in images:
        if image.shape[:2] != (height, width):
            changes[f"resized to {height}x{width}, bilinear with antialiasing"] = True
            image = resize(image, (height, width))
        if image.shape[-1] != channels:
            grey = channels == 1
            changes["made grey (ITU-R 601)" if grey else "grey repeated to RGB"] = True
            image = _grey(image) if grey else np.repeat(image, channels, axis=-1)
        converted.append(image)
    return np.stack(converted), ", ".join(changes) or "as they are"


def _grey(image: np.ndarray) -> np.ndarray:
    """Converts uint8 [H, W, 3] to uint8 [H, W, 1]."""
    return np.round(image @ GREY).astype("uint8")
