"""Pictures to corrupt: smooth ones, coloured or grey, all different."""

import numpy as np
import scipy.ndimage


def scenes(n=24, height=32, width=32, channels=3, seed=0):
    """uint8 [n, H, W, C] of soft blobs and hard edges that fill 0..255."""
    noise = np.random.default_rng(seed).normal(size=[n, height, width, channels])
    smooth = scipy.ndimage.gaussian_filter(noise, (0, 3, 3, 0), mode="wrap")
    smooth = smooth / np.maximum(smooth.std(axis=(1, 2), keepdims=True), 1e-9)
    edges = np.where(smooth > 1, 0.3, 0)
    return np.uint8(255 * np.clip(0.5 + 0.2 * smooth - edges, 0, 1))


def flat(value, n, size=32, channels=3):
    """n grey pictures of one value, which differ in one corner, so that noise does."""
    images = np.full([n, size, size, channels], value, "uint8")
    images[:, 0, 0, 0] = np.arange(n)
    return images
