"""Noise of the sensor: gaussian_noise, shot_noise, impulse_noise."""

import numpy as np

DEVIATION = (0.04, 0.06, 0.08, 0.09, 0.10)  # of pixels in [0, 1]
PHOTONS = (500, 250, 100, 75, 50)  # in a pixel of value 1
IMPULSES = (0.01, 0.02, 0.03, 0.05, 0.07)  # share of the values


def gaussian_noise(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Adds N(0, DEVIATION^2) to every value, as low light does."""
    return image + DEVIATION[severity - 1] * generator.standard_normal(image.shape)


def shot_noise(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws each value from Poisson(photons times value) / photons."""
    photons = PHOTONS[severity - 1]
    return generator.poisson(image * photons) / photons


def impulse_noise(
    image: np.ndarray, severity: int, generator: np.random.Generator
) -> np.ndarray:
    """Replaces a share of the values by 0 or 1, with equal odds (salt and pepper)."""
    hit = generator.uniform(size=image.shape) < IMPULSES[severity - 1]
    salt = generator.uniform(size=image.shape) < 0.5
    return np.where(hit, salt, image)
