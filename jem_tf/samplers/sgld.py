"""Stochastic gradient Langevin dynamics (SGLD), the sampler of the paper.

    x_{k+1} = x_k + a d log p(x_k)/dx + s n_k,        n_k ~ N(0, I),    k = 0 .. K - 1

Letters: B chains of images [H, W, C] in [-1, 1]; K steps; a the step size; s the
noise's standard deviation. The paper's equation 3 writes a/2 and ties s to it, s^2 = a;
the authors' code, like this one, sets a = 1 and s = 0.01 apart. The chain's stationary
density is then p(x)^(2a/s^2), a temperature of 5e-5, and not p(x): see
`tests/samplers/test_sgld.py`.
"""

from typing import Any

import tensorflow as tf

from jem_tf import energies
from jem_tf.samplers import walking
from jem_tf.samplers.walking import Energy, Info, Number


def sgld(
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
    """Runs K steps of SGLD from x.

    Args:
      energy, x, seed, steps, free, first, differentiable: see `Sampler`.
      step_size: a, which multiplies the score; a number or a scalar tensor.
      noise: s, in pixel units, a number or a scalar tensor; 0 adds none.
      score_clamp: each component of the score is held within +-this (nats per unit of
        pixel value) before a multiplies it, or None (the paper).
      range_clamp: pixels are held within +-this after every step, or None (the paper).

    Returns:
      (float [B, H, W, C], the images after K steps; Info).
    """

    def step(k, x, _):
        score = energies.score(energy, x)
        following = x + step_size * walking.clamp(score, score_clamp)
        if walking.is_noisy(noise):
            following += noise * walking.noise_of_step(x, seed, k)
        following = walking.clamp(following, range_clamp)
        return walking.keep_fixed(following, x, free), walking.norm_of_each(score)

    x = tf.convert_to_tensor(x)
    state = x, walking.zero_for_each(x)
    x, norm = walking.repeat(step, state, steps=steps, first=first)
    return walking.end_walk(x, differentiable), Info(tf.stop_gradient(norm))
