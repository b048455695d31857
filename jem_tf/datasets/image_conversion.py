"""Changes of images: depth to 8 bits, alpha, size, grey or RGB, upright.

Letters: an image is [..., H, W, C], where C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4
(RGB, alpha). `serving/decoding.py` does the same within a graph; a test holds them
together.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

# Luma of R, G and B in thousandths, ITU-R BT.601; whole numbers are exact everywhere.
GREY = np.array([[299], [587], [114]])
GROUND = 255  # what shows through transparent pixels: white


def to_eight_bits(values: np.ndarray) -> np.ndarray:
    """Converts values of any depth to uint8 of the same shape.

    16 bits lose their lower 8, as in Pillow and libpng: v >> 8. Floats from 0 to 1 are
    multiplied by 255. False and True become 0 and 255.

    Raises:
      ValueError: if they are other floats or integers; the message says what they are.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return (values >> 8).astype("uint8")
    if values.dtype == bool:
        return values * np.uint8(255)
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(
            f"{values.dtype} pixels, and only unsigned integers of 8 or 16 bits are "
            "read"
        )
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    if not (low >= 0 and high <= 1):
        raise ValueError(f"floats from {low:g} to {high:g}, and only 0 to 1 are read")
    return np.round(values.astype("float64") * 255).astype("uint8")


def over_white(image: np.ndarray) -> np.ndarray:
    """Lays uint8 [..., C] whose last channel is alpha over white: uint8 [..., C - 1].

    c' = (c alpha + 255 (255 - alpha)) / 255, rounded. Colours under alpha 0 vanish.
    """
    colours, alpha = image[..., :-1].astype("uint16"), image[..., -1:].astype("uint16")
    laid = (colours * alpha + GROUND * (255 - alpha) + 127) // 255
    return laid.astype("uint8")


def standardise(image: np.ndarray) -> np.ndarray:
    """Converts [..., C] of any depth and C from 1 to 4 to uint8, grey or RGB.

    Raises:
      ValueError: as `to_eight_bits`, or if there are other channels.
    """
    image = to_eight_bits(image)
    if image.shape[-1] in (2, 4):
        return over_white(image)
    if image.shape[-1] not in (1, 3):
        raise ValueError(
            f"{image.shape[-1]} channels, and only grey or RGB, with or without alpha, "
            "are read"
        )
    return image


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes uint8 [..., h, w, C] to uint8 [..., H, W, C], `size` being (H, W)."""
    resized = tf.image.resize(images, size, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8).numpy()


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turns an image [H, W, C] as its EXIF orientation, 1 to 8, says it is shown."""
    if orientation > 4:  # columns are stored as rows
        image = image.swapaxes(0, 1)
    turn = (orientation - 1) % 4
    rows = slice(None, None, -1 if turn in (2, 3) else 1)
    columns = slice(None, None, -1 if turn in (1, 2) else 1)
    return image[rows, columns]


def to_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Converts uint8 [..., 1 or 3] to so many channels: grey by luma, RGB by repeating.

    Raises:
      ValueError: if that is no change between grey and RGB.
    """
    if image.shape[-1] == channels:
        return image
    if {image.shape[-1], channels} != {1, 3}:
        raise ValueError(f"{image.shape[-1]} channels, which cannot be made {channels}")
    if channels == 3:
        return np.repeat(image, 3, axis=-1)
    return ((image @ GREY + 500) // 1000).astype("uint8")


def convert_images(
    images: Iterable[np.ndarray], shape: Sequence[int]
) -> tuple[np.ndarray, str]:
    """Converts images of any size, grey or coloured, to one shape.

    Args:
      images: uint8 [h, w, c] each; one is read at a time.
      shape: (H, W, C).

    Returns:
      (uint8 [N, H, W, C], a phrase that says how the images were changed).

    Raises:
      ValueError: as `to_channels`.
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
            image = to_channels(image, channels)
        converted.append(image)
    return np.stack(converted), ", ".join(changes) or "as they are"
