"""Langevin-like steps of one length, whatever the scale of the energy.

    x_{k+1} = x_k + a g_k / ||g_k|| + s n_k,          g_k = d log p(x_k)/dx

Letters as in `sgld`; a is the L2 length of a step in pixels of [-1, 1], s the noise's
standard deviation. A sharp classifier's score is large in some places and almost 0 in
others; a step in proportion to it overshoots or stands still, and this one does
neither. Source: Yin, Li & Rohde, "Learning energy-based models with adversarial
training", ECCV 2022. The chain has no stationary density that is known.
"""

from typing import Any

import tensorflow as tf

from jem_tf import energies
from jem_tf.samplers import walking
from jem_tf.samplers.walking import Energy, Info, Number


def normalised(
    energy: Energy,
    x: Any,
    *,
    steps: Any,
    step_size: Number,
    noise: Number,
    seed: Any,
    score_clamp: Number | None = None,
    range_clamp: Number | None = None,
    free: Any = None,
    first: Any = 0,
    differentiable: bool = False,
) -> tuple[Any, Info]:
    """Runs K steps of the L2 length a along the score, plus noise, from x.

    Args:
      energy, x, seed, steps, free, first, differentiable: see `Sampler`.
      step_size: a, the L2 length of a step over the free pixels, in pixel units; where
        the score is 0 there is no direction, and only the noise moves.
      noise: s, in pixel units, a number or a scalar tensor; 0 adds none.
      score_clamp: each component of the score is held within +-this (nats per unit of
        pixel value) before the score is scaled to its length, or None.
      range_clamp: pixels are held within +-this after every step, or None.

    Returns:
      (float [B, H, W, C], the images after K steps; Info).
    """

    def step(k, x, _):
        score = energies.score(energy, x)
        direction = walking.clamp(score, score_clamp)
        if free is not None:
            direction = tf.where(free, direction, 0.0)
        following = x + step_size * _scaled_to_one(direction)
        if walking.is_noisy(noise):
            following += noise * walking.noise_of_step(x, seed, k)
        following = walking.clamp(following, range_clamp)
        return walking.keep_fixed(following, x, free), walking.norm_of_each(score)

    x = tf.convert_to_tensor(x)
    state = x, walking.zero_for_each(x)
    x, norm = walking.repeat(step, state, steps=steps, first=first)
    return walking.end_walk(x, differentiable), Info(tf.stop_gradient(norm))


def _scaled_to_one(score: tf.Tensor) -> tf.Tensor:
    """The score [B, ...] divided by its L2 norm; 0 where that is 0."""
    axes = list(range(1, len(score.shape)))
    # Divided by the largest component first: squares of small ones would vanish.
    largest = tf.reduce_max(tf.abs(score), axes, keepdims=True)
    score = tf.math.divide_no_nan(score, tf.stop_gradient(largest))
    length = tf.reduce_sum(tf.square(score), axes, keepdims=True)
    return score * tf.where(length > 0, tf.math.rsqrt(tf.maximum(length, 1.0)), 0.0)
