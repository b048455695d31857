"""Which chains of a shard are samples: those that did not begin at altered real images.

Letters: K blocks of slots, one a class, or a single one.
"""

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.starts import ALTERED


def is_sample(origins: np.ndarray) -> np.ndarray:
    """Which chains are samples, by their origins int [n]: bool [n]."""
    return np.asarray(origins) != ALTERED


def replace_negatives(
    slots: tf.Tensor, origins: tf.Tensor, *, blocks: int, seed: tf.Tensor
) -> tf.Tensor:
    """Replaces slots whose chains are no samples by slots of samples, at random.

    Slots drawn evenly are afterwards drawn evenly from the samples of their block. If
    all chains are samples, they are the same.

    Args:
      slots: int32 [n].
      origins: int32 [slots of the shard].
      blocks: K; a slot is replaced by one of its own block.
      seed: int [2].

    Returns:
      int32 [n].
    """
    each = origins.shape[0] // blocks
    negative = tf.cast(origins == ALTERED, tf.int32)
    by_block = tf.reshape(negative, [blocks, each])
    order = tf.argsort(by_block, axis=1, stable=True)  # the samples come first
    samples = tf.gather(each - tf.reduce_sum(by_block, axis=1), slots // each)
    u = tf.random.stateless_uniform(tf.shape(slots), seed)
    place = tf.cast(u * tf.cast(samples, tf.float32), tf.int32)
    place = tf.clip_by_value(place, 0, tf.maximum(samples - 1, 0))
    block = slots // each
    other = block * each + tf.gather(tf.reshape(order, [-1]), block * each + place)
    return tf.where(tf.gather(negative, slots) == 1, other, slots)


def have_samples(origins: np.ndarray, blocks: int) -> np.ndarray:
    """Which of K blocks of a shard have a chain that is a sample.

    Args:
      origins: int [slots of the shard].
      blocks: K.

    Returns:
      bool [K].
    """
    return np.asarray(is_sample(origins).reshape(blocks, -1).any(axis=1))


def check_samples(origins: np.ndarray, blocks: int) -> None:
    """Raises InputError if a block has no sample; arguments as of `have_samples`."""
    kept = have_samples(origins, blocks)
    if kept.all():
        return
    of = f" of class {np.flatnonzero(~kept)[0]}" if blocks > 1 else ""
    raise InputError(
        f"All chains{of} in the replay buffer began at altered training images, and "
        "those are never samples; train longer, or give other starts a larger share in "
        f"{argument('start')}."
    )
