"""Blurs: defocus_blur, glass_blur, motion_blur, zoom_blur. Lengths are in pixels."""

import functools

import numpy as np

from jem_tf.corruptions import lenses

DISK = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))  # radius, softness
# deviation of the Gaussian, times that pixels are moved
GLASS = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))
MOTION = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))  # radius, deviation
MOST_DEGREES = 45  # of the line of motion to the horizontal
ZOOMS = (1.06, 1.11, 1.16, 1.21, 1.26)  # factors from 1 in steps of .01, to about this


def defocus_blur(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Spreads every pixel over a soft disk, as a lens out of focus does."""
    import scipy.ndimage

    kernel = _disk(*DISK[severity - 1])[:, :, None]
    return scipy.ndimage.correlate(image, kernel, mode="mirror")


@functools.cache
def _disk(radius: float, softness: float) -> np.ndarray:
    """A disk under a Gaussian of 3x3 pixels: float64 [7, 7], which sums to 1."""
    import scipy.ndimage

    squares = np.arange(-3, 4) ** 2
    disk = (squares[:, None] + squares <= radius**2).astype("float64")
    taps = np.exp(-np.array([1, 0, 1]) / (2 * softness**2))
    taps /= taps.sum()
    return scipy.ndimage.correlate(disk / disk.sum(), np.outer(taps, taps))


def glass_blur(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Takes pixels from one place up or left, between two Gaussian blurs.

    The code that made CIFAR-10-C means to swap two neighbours, but copies one over the
    other; this does what it does. The first two rows and columns stay.
    """
    deviation, times = GLASS[severity - 1]
    image = np.rint(255 * _gaussian(image, deviation)) / 255
    height, width = image.shape[:2]
    rows, columns = np.arange(2, height)[:, None], np.arange(2, width)
    for _ in range(times):
        up, left = generator.integers(0, 2, [2, max(0, height - 2), max(0, width - 2)])
        image[2:, 2:] = image[rows - up, columns - left]
    return _gaussian(image, deviation)


def _gaussian(image: np.ndarray, deviation: float) -> np.ndarray:
    import scipy.ndimage

    sides = (deviation, deviation, 0)
    return scipy.ndimage.gaussian_filter(image, sides, mode="nearest")


def motion_blur(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Blurs along a line of an even angle between -45 and 45 degrees."""
    angle = generator.uniform(-MOST_DEGREES, MOST_DEGREES)
    return lenses.blur_along(image, *MOTION[severity - 1], angle)


def zoom_blur(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Averages the image and its enlargements, as a camera that moves towards it."""
    factors = np.arange(1, ZOOMS[severity - 1], 0.01).tolist()
    enlarged = sum(lenses.zoom(image, factor) for factor in factors)
    return (image + enlarged) / (len(factors) + 1)
