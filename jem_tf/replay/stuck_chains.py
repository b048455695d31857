"""Which chains are stuck: old, and of an energy far above that of the others.

A chain that noise has carried where the score is weak or leads nowhere stays there, is
drawn again and again, and is part of every figure and FID. The rule is ours. It is
measured on the energies that training steps read anyway.
"""

import tensorflow as tf


def find_stuck(
    energies: tf.Tensor,
    ages: tf.Tensor,
    others: tf.Tensor,
    *,
    deviations: float,
    least_age: int,
) -> tf.Tensor:
    """Tells which chains are stuck: bool [n].

    A chain is, if it was continued at least `least_age` times and its energy is above
    the median of the others by more than `deviations` times their median absolute
    deviation. For a normal distribution that is 0.67 standard deviations.

    Args:
      energies: float32 [n] in nats, of the chains; one that is not finite is unknown,
        and its chain is not stuck.
      ages: int32 [n], how often each was continued.
      others: float32 [slots], the energies of all chains of the shard; those that are
        not finite are left out.
      deviations: r, above 0.
      least_age: at least 1.
    """
    known = tf.math.is_finite(others)
    middle = median(others, known)
    spread = median(tf.abs(others - middle), known)
    far = tf.math.is_finite(energies) & (energies > middle + deviations * spread)
    return far & (ages >= least_age)


def median(values: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """The lower median of the values [n] that are known, bool [n]; inf if none is."""
    count = tf.reduce_sum(tf.cast(known, tf.int32))
    ascending = tf.sort(tf.where(known, values, float("inf")))
    return tf.gather(ascending, tf.maximum(count - 1, 0) // 2)
