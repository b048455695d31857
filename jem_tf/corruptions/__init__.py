"""Common corruptions of images, by the names of their paper; a table, CORRUPTIONS.

Source: Hendrycks & Dietterich, ICLR 2019 (arXiv 1903.12261), with the parameters of
CIFAR-10-C, which are made for 32x32 pixels and weaker than those of ImageNet-C. The
paper has 15; `frost` is left out, as it is made of photographs that we do not ship.

    noises   gaussian_noise, shot_noise, impulse_noise
    blurs    defocus_blur, glass_blur, motion_blur, zoom_blur
    weather  snow, fog, brightness
    digital  contrast, elastic_transform, pixelate, jpeg_compression
    lenses   what several of them are made of: zoom, blur along a line

We depart from the code that made CIFAR-10-C in three things: values are rounded to 8
bits, where it cuts them off; `elastic_transform` interpolates exactly, not in 1/32 of a
pixel; and an image's noise depends on the image itself, a seed, the name and the
severity alone, not on the images beside it.

To add a corruption, write a function of the signature `Corruption` and enter it in
CORRUPTIONS. This folder imports `errors` alone; functions import SciPy and Pillow when
they are called.
"""

import hashlib
from typing import Protocol

import numpy as np

from jem_tf.corruptions import blurs, digital, noises, weather
from jem_tf.errors import InputError, argument, whole_number

SEVERITIES = (1, 2, 3, 4, 5)
LEFT_OUT = {"frost": "it is made of photographs that are not shipped"}
CHANNELS = (1, 3)


class Corruption(Protocol):
    """A function that corrupts one image."""

    def __call__(
        self, image: np.ndarray, severity: int, generator: np.random.Generator
    ) -> np.ndarray:
        """Corrupts an image.

        Args:
          image: float64 [H, W, C] in [0, 1], C = 1 or 3, whole numbers over 255; it is
            not changed.
          severity: one of SEVERITIES.
          generator: of all that is random.

        Returns:
          float [H, W, C]; what is outside [0, 1] is clipped.
        """


# In the order of the paper's figure 1.
CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": noises.gaussian_noise,
    "shot_noise": noises.shot_noise,
    "impulse_noise": noises.impulse_noise,
    "defocus_blur": blurs.defocus_blur,
    "glass_blur": blurs.glass_blur,
    "motion_blur": blurs.motion_blur,
    "zoom_blur": blurs.zoom_blur,
    "snow": weather.snow,
    "fog": weather.fog,
    "brightness": weather.brightness,
    "contrast": digital.contrast,
    "elastic_transform": digital.elastic_transform,
    "pixelate": digital.pixelate,
    "jpeg_compression": digital.jpeg_compression,
}


def corrupt(
    images: np.ndarray, name: str, severity: int, *, seed: int = 0
) -> np.ndarray:
    """Corrupts N images.

    Args:
      images: uint8 [N, H, W, C], C = 1 or 3.
      name: of CORRUPTIONS.
      severity: one of SEVERITIES.
      seed: int, at least 0. Equal images get equal noise, wherever they stand.

    Returns:
      uint8 [N, H, W, C].

    Raises:
      InputError: if there is no such corruption or severity, or the images are others.
    """
    check_name(name)
    seed = whole_number("seed", seed, 0)
    severity = whole_number("severity", severity, 0)
    if severity not in SEVERITIES:
        raise InputError(
            f"{argument('severity', severity)} must be one of "
            f"{', '.join(map(str, SEVERITIES))}."
        )
    images = np.asarray(images)
    check_images(images.dtype, images.shape)
    corrupted = np.empty_like(images)
    for place, image in enumerate(images):
        generator = _generator(image, name, severity, seed)
        changed = CORRUPTIONS[name](image / 255.0, severity, generator)
        corrupted[place] = np.rint(255 * np.clip(changed, 0, 1))
    return corrupted


def check_name(name: str) -> None:
    """Raises InputError if there is no corruption of this name."""
    known = isinstance(name, str)
    if known and name in CORRUPTIONS:
        return
    why = f" ({LEFT_OUT[name]})" if known and name in LEFT_OUT else ""
    raise InputError(
        f"{argument('name', name if known else repr(name))} is no corruption that "
        f"we have{why}; choose of {', '.join(CORRUPTIONS)}."
    )


def check_images(dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Raises InputError if images of this dtype and shape cannot be corrupted."""
    if dtype != np.uint8 or len(shape) != 4 or shape[-1] not in CHANNELS:
        raise InputError(
            f"images are {dtype} {list(shape)}; give uint8 [N, H, W, 1 or 3]."
        )


def _generator(
    image: np.ndarray, name: str, severity: int, seed: int
) -> np.random.Generator:
    digest = hashlib.sha256(np.ascontiguousarray(image).data).digest()
    own = np.frombuffer(digest, "<u4").tolist()
    return np.random.default_rng([seed, severity, *name.encode(), *own])
