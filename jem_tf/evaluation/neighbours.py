"""Nearest neighbours: of samples among training images, by pixels or features."""

from collections.abc import Callable

import numpy as np

CHUNK = 10_000  # images at a time in float32


def find_nearest(
    samples: np.ndarray, images: np.ndarray, count: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the images nearest to each sample, by the L2 distance of pixels in [-1, 1].

    Args:
      samples: uint8 [n, H, W, C].
      images: uint8 [N, H, W, C], count <= N.
      count: how many images for each sample.

    Returns:
      (int [n, count], rows of `images`, nearest first; float [n, count], their
      distances).
    """
    return find_nearest_rows(samples, images, count, convert=_flat)


def find_nearest_rows(
    samples: np.ndarray,
    rows: np.ndarray,
    count: int = 1,
    *,
    convert: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the rows nearest to each sample, by the L2 distance.

    Args:
      samples: [n, ...].
      rows: [N, ...], count <= N.
      count: how many rows for each sample.
      convert: makes float32 [b, D] of b samples or rows.

    Returns:
      (int [n, count], nearest first; float [n, count], their distances).
    """
    from sklearn.neighbors import NearestNeighbors

    queries = convert(samples)
    rows_of_chunks, distances_of_chunks = [], []
    for begin in range(0, len(rows), CHUNK):
        chunk = convert(rows[begin : begin + CHUNK])
        search = NearestNeighbors(
            n_neighbors=min(count, len(chunk)), algorithm="brute"
        ).fit(chunk)
        nearest_distances, nearest_rows = search.kneighbors(queries)
        rows_of_chunks.append(nearest_rows + begin)
        distances_of_chunks.append(nearest_distances)
    which = np.concatenate(rows_of_chunks, 1)
    distances = np.concatenate(distances_of_chunks, 1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    which, distances = (np.take_along_axis(x, order, 1) for x in (which, distances))
    return which, distances


def _flat(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    return images.reshape(len(images), -1).astype("float32") / 127.5 - 1
