"""Divides the shards of a buffer among another number of replicas."""

from collections.abc import Sequence

import numpy as np


def deal(
    shards: Sequence[np.ndarray], count: int, num_classes: int
) -> list[np.ndarray]:
    """Pools shards [slots, ...], and divides each class evenly among `count` shards."""
    by_class = [np.reshape(x, [num_classes, -1, *x.shape[1:]]) for x in shards]
    pooled = np.concatenate(by_class, axis=1)
    parts = np.split(pooled, count, axis=1)
    return [np.reshape(part, [-1, *part.shape[2:]]) for part in parts]
