"""A classifier's logits read as an energy-based model.

    E(x, y) = -f(x)[y]    E(x) = -logsumexp_y f(x)[y]    log p(y | x) = E(x) - E(x, y)

Letters: B images, K classes, an image x is [H, W, C] with pixels in [-1, 1]; f(x) are
the logits, [B, K]. Energies and log-probabilities are in nats, float [B], lower energy
meaning likelier; log p(x) = -E(x) - log Z, where the constant log Z is unknown.

Source: Grathwohl et al., ICLR 2020 (arXiv 1912.03263), equations 4 to 7.
"""

from collections.abc import Callable

import tensorflow as tf

TINY = 1.2e-38  # above the smallest normal float32


def joint_energy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """E(x, y): logits [B, K], int labels [B] or [B, 1] in [0, K) -> [B]; equation 5."""
    return -tf.gather(logits, tf.reshape(labels, [-1]), batch_dims=1)


def marginal_energy(logits: tf.Tensor) -> tf.Tensor:
    """E(x): logits [B, K] -> [B] (equation 7)."""
    return -tf.reduce_logsumexp(logits, axis=-1)


def log_p_y_given_x(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """log p(y | x) [B] of logits and labels as in `joint_energy` (equation 4)."""
    return marginal_energy(logits) - joint_energy(logits, labels)


def score(energy: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """The score d log p(x) / dx = -dE(x) / dx, in nats per unit of pixel value.

    Args:
      energy: a function [B, H, W, C] -> [B]; each value depends on its own image
        alone.
      x: float [B, H, W, C].

    Returns:
      float [B, H, W, C].
    """
    return energy_and_score(energy, x)[1]


def energy_and_score(
    energy: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """E(x) [B] in nats and the score [B, H, W, C], with one gradient; see `score`."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        value = energy(x)
        total = tf.reduce_sum(value)
    return value, -tape.gradient(total, x)


def pick(
    x: tf.Tensor, energy: tf.Tensor, *, candidates: int, seed: tf.Tensor
) -> tf.Tensor:
    """Picks one image of each group, with probability proportional to exp(-E).

    Args:
      x: [n * candidates, H, W, C]; the images of a group follow each other.
      energy: [n * candidates], the energies of the images in nats.
      candidates: the number of images in a group.
      seed: int [2].

    Returns:
      [n, H, W, C], the picked images.
    """
    log_p = tf.reshape(-energy, [-1, candidates])
    # Gumbel-max: what stateless_categorical picks depends on the number of threads.
    uniform = tf.random.stateless_uniform(
        tf.shape(log_p), seed, TINY, dtype=log_p.dtype
    )
    which = tf.argmax(log_p - tf.math.log(-tf.math.log(uniform)), axis=1)
    x = tf.reshape(x, [-1, candidates, *x.shape[1:]])
    return tf.gather(x, which, batch_dims=1)
