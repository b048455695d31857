"""Precision, recall, density and coverage, from the features of any network.

The manifold of a set of images is the union of balls around their features; a ball's
radius is the distance to the k-th nearest other image of the set. Balls are closed. The
four numbers depend on the sets' sizes, so give as many real images as samples.

Letters: N real images, M samples, D features, k neighbours.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jem_tf.errors import InputError, whole_number
from jem_tf.metrics import intervals

NEIGHBOURS = 5  # k
CHUNK = 1000  # rows of distances at a time, in float64
# Of the features' mean square: squared distances that differ by less are equal, so that
# rounding, which differs among processors, does not decide about points on a sphere.
TIE = 1e-10


class Manifold(NamedTuple):
    """What the balls of real images and of samples say about each other.

    precision: share of samples in a ball of a real image, in [0, 1] (Kynkaanniemi et
      al., NeurIPS 2019, section 2).
    recall: share of real images in a ball of a sample, in [0, 1] (same).
    density: mean number of real images' balls that a sample is in, over k (Naeem et
      al., ICML 2020, section 3). 1 is expected of equal distributions; it may be more.
    coverage: share of real images with a sample in their ball, in [0, 1] (same).
      About 1 - 2^-k is expected of equal distributions and N = M.
    precision_ci, recall_ci, coverage_ci: [low, high], Wilson's interval of the share,
      as if all balls were given.
    density_std: standard error over the samples, likewise.
    """

    precision: float
    precision_ci: list[float]
    recall: float
    recall_ci: list[float]
    density: float
    density_std: float
    coverage: float
    coverage_ci: list[float]


def compare(real: np.ndarray, samples: np.ndarray, k: int = NEIGHBOURS) -> Manifold:
    """Computes precision, recall, density and coverage; NaN if a feature is not finite.

    Args:
      real: float [N, D], features.
      samples: float [M, D].
      k: at least 1.

    Raises:
      InputError: if k is below 1, or there are no more than k real images, or samples.
    """
    k = whole_number("k", k, 1)
    for name, images in (("real images", real), ("samples", samples)):
        if len(images) <= k:
            raise InputError(
                f"{len(images)} {name} are too few for balls of {k} neighbours; give "
                f"at least {k + 1}."
            )
    if not (np.isfinite(real).all() and np.isfinite(samples).all()):
        nan, nans = np.nan, [np.nan] * 2
        return Manifold(nan, nans, nan, nans, nan, nan, nan, nans)
    real, samples, tie = _centre(real, samples)
    real_radii, sample_radii = (squared_radii(x, k) + tie for x in (real, samples))
    balls = np.zeros(len(samples))  # of real images, around each sample
    recalled, covered = np.zeros([2, len(real)], bool)
    for rows, distances in _squared_distances(real, samples):
        within = distances <= real_radii[rows, None]
        balls += within.sum(0)
        covered[rows] = within.any(1)
        recalled[rows] = (distances <= sample_radii).any(1)
    return Manifold(
        *_share(balls > 0),
        *_share(recalled),
        float(np.mean(balls) / k),
        float(np.std(balls, ddof=1) / k / np.sqrt(len(balls))),
        *_share(covered),
    )


def squared_radii(rows: np.ndarray, k: int) -> np.ndarray:
    """Squares of the distances to the k-th nearest other row: [N, D] -> [N]."""
    radii = np.zeros(len(rows))
    for own, distances in _squared_distances(rows, rows):
        places = np.arange(len(rows))[own]
        distances[places - own.start, places] = -1  # a row is no neighbour of itself
        radii[own] = np.partition(distances, k, axis=1)[:, k]
    return radii


def _squared_distances(
    a: np.ndarray, b: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """(rows of a, |a|^2 + |b|^2 - 2 a.b >= 0) in chunks: [N, D], [M, D] -> [CHUNK, M].

    Float32 would lose short distances between long features, and is not much faster.
    """
    of_a, of_b = (np.sum(x**2, axis=1) for x in (a, b))
    for begin in range(0, len(a), CHUNK):
        rows = slice(begin, begin + CHUNK)
        distances = a[rows] @ b.T
        distances *= -2
        distances += of_b
        distances += of_a[rows, None]
        yield rows, np.maximum(distances, 0, out=distances)


def _share(hits: np.ndarray) -> tuple[float, list[float]]:
    return float(np.mean(hits)), intervals.proportion(np.sum(hits), len(hits))


def _centre(real: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, ...]:
    """(real, samples) in float64 about the real mean, and the tie of squares.

    The centre changes no distance, and shorter features lose less to rounding.
    """
    centre = np.mean(real, axis=0, dtype="float64")
    real, samples = (np.asarray(x, "float64") - centre for x in (real, samples))
    square = np.mean(np.sum(real**2, axis=1)) + np.mean(np.sum(samples**2, axis=1))
    return real, samples, TIE * square
