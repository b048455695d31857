"""What several corruptions are made of: zoom, and blur along a line."""

import functools

import numpy as np


def zoom(image: np.ndarray, factor: float) -> np.ndarray:
    """Enlarges the middle of an image, bilinearly, and keeps its size.

    Args:
      image: float [H, W, C].
      factor: at least 1.

    Returns:
      float [H, W, C].
    """
    rows, columns = (_zoom_matrix(size, factor) for size in image.shape[:2])
    return np.einsum("ih,hwc,jw->ijc", rows, image, columns, optimize=True)


@functools.cache
def _zoom_matrix(size: int, factor: float) -> np.ndarray:
    """The weights of the pixels of one side: float64 [size, size].

    The middle ceil(size / factor) pixels are stretched by the factor, the corners of
    one onto the corners of the other, and what is too much is cut off evenly.
    """
    import scipy.ndimage

    kept = int(np.ceil(size / factor))
    begin = (size - kept) // 2
    weights = scipy.ndimage.zoom(np.eye(kept), (factor, 1), order=1)
    spare = (len(weights) - size) // 2
    matrix = np.zeros([size, size])
    matrix[:, begin : begin + kept] = weights[spare : spare + size]
    return matrix


def blur_along(
    image: np.ndarray, radius: int, deviation: float, angle: float
) -> np.ndarray:
    """Blurs an image to one side along a line, as a moving camera does.

    This is ImageMagick's motion blur: half a Gaussian of 2 radius + 1 weights, each of
    the nearest pixel; beyond the border is what is at the border.

    Args:
      image: float [H, W, C].
      radius: pixels.
      deviation: of the Gaussian, pixels.
      angle: of the line, degrees.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * deviation**2))
    weights /= weights.sum()
    down, right = (
        np.ceil(steps * slope - 0.5).astype(int)
        for slope in (np.sin(np.radians(angle)), np.cos(np.radians(angle)))
    )
    height, width = image.shape[:2]
    blurred = np.zeros_like(image)
    for weight, y, x in zip(weights, down, right, strict=True):
        rows = np.clip(np.arange(height) + y, 0, height - 1)
        columns = np.clip(np.arange(width) + x, 0, width - 1)
        blurred += weight * image[rows[:, None], columns]
    return blurred
