"""Weather: snow, fog, brightness."""

from typing import NamedTuple

import numpy as np

from jem_tf.corruptions import lenses

LUMA = np.array([0.299, 0.587, 0.114])  # grey of R, G and B, ITU-R BT.601


class Snow(NamedTuple):
    """How much it snows: flakes are noise N(mean, deviation^2) above a threshold."""

    mean: float
    deviation: float
    size: float  # factor by which flakes are enlarged
    threshold: float
    radius: int  # pixels, of the blur along their fall
    length: float  # pixels, deviation of this blur
    kept: float  # share of the image that is not whitened


SNOW = (
    Snow(0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    Snow(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    Snow(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    Snow(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    Snow(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
)
FOG = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1.0, 2), (1.5, 1.75))  # thickness, smoothness
BRIGHTNESS = (0.05, 0.1, 0.15, 0.2, 0.3)  # added to HSV's value, in [0, 1]


def snow(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Whitens the image and lets flakes fall, and the same upside down."""
    how = SNOW[severity - 1]
    height, width, channels = image.shape
    flakes = how.mean + how.deviation * generator.standard_normal([height, width, 1])
    flakes = lenses.zoom(flakes, how.size)
    flakes = np.where(flakes < how.threshold, 0, np.clip(flakes, 0, 1))
    angle = generator.uniform(-135, -45)
    flakes = lenses.blur_along(flakes, how.radius, how.length, angle)
    grey = image if channels == 1 else (image @ LUMA)[..., None]
    white = np.maximum(image, 1.5 * grey + 0.5)
    return how.kept * image + (1 - how.kept) * white + flakes + flakes[::-1, ::-1]


def fog(image: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    """Lays a fractal cloud over the image, and darkens both to the image's maximum."""
    thickness, smoothness = FOG[severity - 1]
    height, width = image.shape[:2]
    side = 1 << (max(height, width, 2) - 1).bit_length()
    cloud = plasma(side, smoothness, generator)[:height, :width, None]
    most = image.max()
    return (image + thickness * cloud) * most / (most + thickness)


def plasma(side: int, smoothness: float, generator: np.random.Generator) -> np.ndarray:
    """Makes a cloud by the diamond-square algorithm (Fournier et al. 1982).

    A point between four others is their mean plus even noise, whose width decreases
    from one scale to the next by smoothness^2. The cloud is periodic.

    Args:
      side: pixels, a power of 2, at least 2.
      smoothness: above 1.
      generator: of the noise.

    Returns:
      float64 [side, side] from 0 to 1, both reached.
    """
    cloud = np.zeros([side, side])
    step, width = side, 1.0

    def middle(total):
        return total / 4 + width * generator.uniform(-1, 1, total.shape)

    while step >= 2:
        half = step // 2
        corners = cloud[::step, ::step]  # a view, as are the others
        pairs = corners + np.roll(corners, -1, axis=0)
        cloud[half::step, half::step] = middle(pairs + np.roll(pairs, -1, axis=1))
        centres = cloud[half::step, half::step]
        beside = centres + np.roll(centres, 1, axis=0)
        beside = beside + corners + np.roll(corners, -1, axis=1)
        cloud[::step, half::step] = middle(beside)
        above = centres + np.roll(centres, 1, axis=1)
        above = above + corners + np.roll(corners, -1, axis=0)
        cloud[half::step, ::step] = middle(above)
        step, width = half, width / smoothness**2
    cloud -= cloud.min()
    return cloud / cloud.max()


def brightness(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Adds to the value of HSV, the largest of R, G and B; hue and saturation stay."""
    value = image.max(axis=-1, keepdims=True)
    brighter = np.minimum(value + BRIGHTNESS[severity - 1], 1)
    black = value == 0  # of no hue: it becomes grey
    return np.where(black, brighter, image * (brighter / np.where(black, 1, value)))
