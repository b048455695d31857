"""Has the model learnt by heart? The training images nearest to samples."""

import numpy as np

CHUNK = 10_000  # images at a time in float32


def nearest(samples, images, count=5):
    """The images nearest to each sample, by the L2 distance of pixels in [-1, 1].

    Args:
      samples: uint8 [n, H, W, C].
      images: uint8 [N, H, W, C], count <= N.
      count: how many of them a sample.

    Returns:
      (int [n, count], which images, nearest first; float [n, count], their distances).
    """
    from sklearn.neighbors import NearestNeighbors

    sought, which, distances = _flat(samples), [], []
    for begin in range(0, len(images), CHUNK):
        some = _flat(images[begin : begin + CHUNK])
        search = NearestNeighbors(
            n_neighbors=min(count, len(some)), algorithm="brute"
        ).fit(some)
        far, found = search.kneighbors(sought)
        which.append(found + begin)
        distances.append(far)
    which, distances = np.concatenate(which, 1), np.concatenate(distances, 1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return (np.take_along_axis(x, order, axis=1) for x in (which, distances))


def _flat(images):
    images = np.asarray(images)
    return images.reshape(len(images), -1).astype("float32") / 127.5 - 1
