"""Which chains of a shard are samples: those that did not begin at altered real images.

Letters: K blocks of slots, one a class, or a single one.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.starts import ALTERED


def is_sample(origins: np.ndarray) -> np.ndarray:
    """Which chains are samples, by their origins int [n]: bool [n]."""
    return np.asarray(origins) != ALTERED


def choose_samples(
    n: Any, origins: tf.Tensor, seed: Any, labels: Any = None, *, blocks: int = 1
) -> tf.Tensor:
    """Chooses slots of n chains that are samples: evenly, and none twice before all.

    Args:
      n: how many; an int, or a scalar tensor.
      origins: int32 [slots of the shard]; each block has a sample.
      seed: int [2].
      labels: int [n], the block of each, or None for slots of the whole shard.
      blocks: K; 1 without labels.

    Returns:
      int32 [n].
    """
    each = origins.shape[0] // blocks
    negative = tf.reshape(tf.cast(origins == ALTERED, tf.float32), [blocks, each])
    order = tf.random.stateless_uniform([blocks, each], seed) + negative
    order = tf.argsort(order, axis=1)  # the samples come first, at random
    samples = tf.maximum(each - tf.cast(tf.reduce_sum(negative, axis=1), tf.int32), 1)
    if labels is None:
        labels, turn = tf.zeros([n], tf.int32), tf.range(n)
    else:
        labels = tf.cast(labels, tf.int32)
        before = tf.cumsum(tf.one_hot(labels, blocks, dtype=tf.int32), exclusive=True)
        turn = tf.gather(before, labels, batch_dims=1)  # earlier ones of its block
    place = turn % tf.gather(samples, labels)
    return labels * each + tf.gather_nd(order, tf.stack([labels, place], axis=1))


def count_samples(origins: np.ndarray, blocks: int) -> np.ndarray:
    """How many chains of each of K blocks of a shard are samples.

    Args:
      origins: int [slots of the shard].
      blocks: K.

    Returns:
      int64 [K].
    """
    return is_sample(origins).reshape(blocks, -1).sum(axis=1)


def check_samples(origins: np.ndarray, blocks: int) -> None:
    """Raises InputError if a block has no sample; arguments as of `count_samples`."""
    kept = count_samples(origins, blocks)
    if kept.all():
        return
    of = f" of class {np.flatnonzero(kept == 0)[0]}" if blocks > 1 else ""
    raise InputError(
        f"All chains{of} in the replay buffer began at altered training images, and "
        "those are never samples; train longer, or give other starts a larger share in "
        f"{argument('start')}."
    )
