"""The Metropolis-adjusted Langevin algorithm (MALA): exact at any temperature.

    y ~ q(y|x) = N(x + a d log p(x)/dx, s^2 I),           s^2 = 2 a T
    x <- y with probability min(1, r),    r = p(y)^(1/T) q(x|y) / (p(x)^(1/T) q(y|x))

Letters as in `sgld`; T is the temperature: the chain's stationary density is
p(x)^(1/T), whatever the step size a. `sgld` is MALA without the second line, at
T = s^2 / 2a, which is 5e-5 with the paper's numbers. In a bounded range a proposal is
reflected at the bounds. That is MALA on the mirror images of p beyond them, and exact.
To refuse proposals outside the range would be exact, too, but nearly all would be
refused: one of 3,072 pixels is almost always outside. Source: Roberts & Tweedie,
"Exponential convergence of Langevin distributions and their discrete approximations",
Bernoulli 1996.
"""

from typing import Any

import tensorflow as tf

from jem_tf import energies
from jem_tf.samplers import walking
from jem_tf.samplers.walking import Energy, Info, Number


def mala(
    energy: Energy,
    x: Any,
    *,
    steps: Any,
    step_size: Number,
    temperature: Number,
    seed: Any,
    score_clamp: Number | None = None,
    range_clamp: Number | None = None,
    free: Any = None,
    first: Any = 0,
    differentiable: bool = False,
) -> tuple[Any, Info]:
    """Runs K steps of MALA from x.

    Args:
      energy, x, seed, steps, free, first, differentiable: see `Sampler`.
      step_size: a, which multiplies the score; a number or a scalar tensor, above 0.
      temperature: T, above 0; a number or a scalar tensor.
      score_clamp: each component of the score is held within +-this (nats per unit of
        pixel value) in the proposal; the density stays as it is. None: no bound.
      range_clamp: free pixels stay within +-this, reflected at the bounds, and the
        density is p(x)^(1/T) within the range; those of x are clipped first. None: no
        bound.

    Returns:
      (float [B, H, W, C], the images after K steps; Info with the acceptance).

    Raises:
      InputError: if step_size or temperature is a number that is not above 0.
    """
    walking.check_above_0(step_size=step_size, temperature=temperature)
    x = tf.convert_to_tensor(x)
    noise = tf.cast(2.0 * step_size * temperature, x.dtype) ** 0.5

    def energy_and_drift(x):
        value, score = energies.energy_and_score(energy, x)
        return value, score, step_size * walking.clamp(score, score_clamp)

    def step(k, x, value, score, drift, accepted):
        norm = walking.norm_of_each(score)
        noise_seed, accept_seed = tf.unstack(tf.random.split(seed))
        y = x + drift + noise * walking.noise_of_step(x, noise_seed, k)
        y = walking.keep_fixed(y, x, free)
        image, slope = reflect(y, range_clamp, free=free)
        new = image, *energy_and_drift(image)
        back = slope * new[3]
        log_r = log_acceptance_ratio(
            x, y, value, new[1], drift, back, temperature, noise, free=free
        )
        accept = _log_uniform(value, accept_seed, k) < log_r  # a NaN is refused
        now = [
            _choose(accept, *pair)
            for pair in zip(new, (x, value, score, drift), strict=True)
        ]
        return *now, accepted + tf.cast(accept, x.dtype), norm

    x = walking.keep_fixed(walking.clamp(x, range_clamp), x, free)
    zeros = walking.zero_for_each(x)
    x, *_, accepted, norm = walking.repeat(
        lambda k, *state: step(k, *state[:-1]),
        (x, *energy_and_drift(x), zeros, zeros),
        steps=steps,
        first=first,
    )
    taken = tf.cast(tf.maximum(steps, 1), accepted.dtype)
    info = Info(tf.stop_gradient(norm), tf.stop_gradient(accepted / taken))
    return walking.end_walk(x, differentiable), info


def log_acceptance_ratio(
    x: tf.Tensor,
    y: tf.Tensor,
    energy_x: tf.Tensor,
    energy_y: tf.Tensor,
    drift_x: tf.Tensor,
    drift_y: tf.Tensor,
    temperature: Number,
    noise: Number,
    *,
    free: Any = None,
) -> tf.Tensor:
    """log r of a proposal y from x.

    Args:
      x, y: float [B, H, W, C].
      energy_x, energy_y: their energies [B], in nats.
      drift_x, drift_y: a times the score at either, [B, H, W, C].
      temperature: T.
      noise: s.
      free: as in `mala`.

    Returns:
      float [B].
    """
    axes = list(range(1, len(x.shape)))
    apart = tf.square(y - x - drift_x) - tf.square(x - y - drift_y)
    if free is not None:
        apart = tf.where(free, apart, 0.0)
    log_q_ratio = tf.reduce_sum(apart, axes) / (2 * noise**2)
    # A network's energies of float64 images are float32.
    return (energy_x - energy_y) / temperature + tf.cast(log_q_ratio, energy_x.dtype)


def _log_uniform(like: tf.Tensor, seed: Any, k: Any) -> tf.Tensor:
    step_seed = tf.random.experimental.stateless_fold_in(seed, k)
    u = tf.random.stateless_uniform(tf.shape(like), step_seed, dtype=like.dtype)
    return tf.math.log(u)


def reflect(
    y: tf.Tensor, bound: Number | None, *, free: Any = None
) -> tuple[tf.Tensor, Any]:
    """Reflects free pixels at +-bound, as often as it takes to bring them inside.

    Returns:
      (the image, like y; its derivative by y, +-1 in every pixel or a plain 1).
    """
    if bound is None:
        return y, 1.0
    place = tf.math.floormod(y + bound, 4 * bound)  # there and back is one period
    image = bound - tf.abs(place - 2 * bound)
    slope = tf.where(place < 2 * bound, tf.ones_like(y), -tf.ones_like(y))
    if free is not None:
        image, slope = tf.where(free, image, y), tf.where(free, slope, 1.0)
    return image, slope


def _choose(accept: tf.Tensor, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
    """Of each chain the new value where it is accepted: [B], [B, ...] -> [B, ...]."""
    shape = [-1] + [1] * (len(new.shape) - 1)
    return tf.ensure_shape(tf.where(tf.reshape(accept, shape), new, old), old.shape)
