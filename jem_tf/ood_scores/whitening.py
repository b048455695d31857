"""A root of the inverse of a covariance, by which distances have its units."""

import numpy as np


def whiten(covariance: np.ndarray, least: float) -> np.ndarray:
    """Computes a root of the pseudo-inverse of a covariance.

    Args:
      covariance: float64 [D, D].
      least: directions with less than this share of the largest variance are left out.

    Returns:
      float64 [D, R]; NaN [D, 1] if nothing varies, or a value is not finite: a score
      of distances is then NaN, and not 0 for all images.
    """
    if np.isfinite(covariance).all():
        variances, vectors = np.linalg.eigh(covariance)
        if variances.max() > 0:
            kept = variances > least * variances.max()
            return vectors[:, kept] / np.sqrt(variances[kept])
    return np.full((len(covariance), 1), np.nan)
