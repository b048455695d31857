"""A classifier's logits read as an energy-based model.

    E(x, y) = -f(x)[y]    E(x) = -logsumexp_y f(x)[y]    log p(y | x) = E(x) - E(x, y)

Letters: B images, K classes, an image x is [H, W, C] with pixels in [-1, 1]; f(x) are
the logits, [B, K]. Energies and log-probabilities are in nats, float [B], lower energy
meaning likelier; log p(x) = -E(x) - log Z, whose constant log Z nobody knows.

Source: Grathwohl et al., ICLR 2020 (arXiv 1912.03263), equations 4 to 7.
"""

import tensorflow as tf


def joint_energy(logits, labels):
    """E(x, y): logits [B, K], int labels [B] in [0, K) -> [B] (equation 5)."""
    return -tf.gather(logits, labels, batch_dims=1)


def marginal_energy(logits):
    """E(x): logits [B, K] -> [B] (equation 7)."""
    return -tf.reduce_logsumexp(logits, axis=-1)


def log_p_y_given_x(logits, labels):
    """log p(y | x): logits [B, K], int labels [B] in [0, K) -> [B] (equation 4)."""
    return marginal_energy(logits) - joint_energy(logits, labels)


def score(energy, x):
    """The score d log p(x) / dx = -dE(x) / dx, in nats per unit of pixel value.

    Args:
      energy: a function [B, H, W, C] -> [B], each value depending on its own image
        alone.
      x: float [B, H, W, C].

    Returns:
      float [B, H, W, C].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(energy(x))
    return -tape.gradient(total, x)


def pick(x, energy, candidates, seed):
    """Of every `candidates` images in a row one, with probability ~ exp(-E).

    Args:
      x: [n * candidates, H, W, C].
      energy: of each, [n * candidates].
      candidates: an int.
      seed: int [2].

    Returns:
      [n, H, W, C].
    """
    log_p = tf.reshape(-energy, [-1, candidates])
    which = tf.random.stateless_categorical(log_p, 1, seed)[:, 0]
    x = tf.reshape(x, [-1, candidates, *x.shape[1:]])
    return tf.gather(x, which, batch_dims=1)
