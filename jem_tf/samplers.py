"""Stochastic gradient Langevin dynamics (SGLD): images drawn by walking down an energy.

    x_{k+1} = x_k + a d log p(x_k)/dx + s n_k,        n_k ~ N(0, I),    k = 0 .. K - 1

Letters: B chains of images [H, W, C] in [-1, 1]; K steps; a the step size; s the
noise's standard deviation. The paper's equation 3 writes a/2 and ties s to it, s^2 = a;
the authors' code, like this one, sets a = 1 and s = 0.01 apart. The chain's stationary
density is then p(x)^(2a/s^2), a temperature of 5e-5, and not p(x): see
`tests/test_samplers.py`.
"""

import collections

import tensorflow as tf

from jem_tf import energies

# In a loop, Grappler makes a sum of sums into one whose temporary variable the second
# iteration finds taken (TensorFlow 2.21, in bfloat16).
tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})

Trace = collections.namedtuple("Trace", "images energy gradient_norm")


def sgld(
    energy,
    x,
    *,
    steps,
    step_size,
    noise,
    seed,
    gradient_clamp=None,
    range_clamp=None,
    free=None,
    first=0,
    differentiable=False,
):
    """Runs K steps of SGLD from x.

    Args:
      energy: a function [B, H, W, C] -> [B] in nats.
      x: float [B, H, W, C], where the chains start.
      steps: K, an int or an int tensor, at least 0.
      step_size: a, what the score is multiplied by; a number or a scalar tensor.
      noise: s, in pixel units, a number or a scalar tensor; 0 adds none.
      seed: int [2]; equal seeds give equal chains.
      gradient_clamp: each component of the score is held within +-this (nats per unit
        of pixel value) before a multiplies it, or None (the paper).
      range_clamp: pixels are held within +-this after every step, or None (the paper).
      free: bool, such as [H, W, 1], which pixels walk: the others stay as they are, and
        the walk is one of p(free pixels | the others). None: all.
      first: the number of the first step, an int or an int tensor: a walk of K steps is
        one of j, and from its end one of K - j whose first is j.
      differentiable: whether gradients flow back through the K steps, to x; the
        memory of all steps is then held at once.

    Returns:
      float [B, H, W, C], the images after K steps.
    """
    step = _step(energy, step_size, noise, seed, gradient_clamp, range_clamp, free)
    _, x = _repeat(lambda k, x: (k + 1, step(first + k, x)[0]), steps, x)
    return x if differentiable else tf.stop_gradient(x)


def chains(
    energy, x, *, steps, step_size, noise, seed, gradient_clamp=None, range_clamp=None
):
    """The same walk as `sgld`, with every step kept for diagnostics.

    Returns:
      Trace(images [K + 1, B, H, W, C], energy [K + 1, B] in nats,
      gradient_norm [K, B]: the L2 norm of the score at each step). images[-1] equals
      `sgld`'s.
    """
    step = _step(energy, step_size, noise, seed, gradient_clamp, range_clamp)
    steps = tf.convert_to_tensor(steps)
    images, energy_, norms = (
        tf.TensorArray(x.dtype, size) for size in (steps + 1, steps + 1, steps)
    )

    def record(k, x, images, energy_, norms):
        following, norm = step(k, x)
        kept = images.write(k, x), energy_.write(k, energy(x)), norms.write(k, norm)
        return k + 1, following, *kept

    _, x, images, energy_, norms = _repeat(record, steps, x, images, energy_, norms)
    images, energy_ = images.write(steps, x), energy_.write(steps, energy(x))
    return Trace(*(tf.stop_gradient(kept.stack()) for kept in (images, energy_, norms)))


def compiled(walk):
    """`walk`, such as `sgld`, as one XLA program: for a GPU or TPU, not for a CPU."""

    def run(energy, x, *, seed, **arguments):
        whole = tf.function(
            lambda x, seed: walk(energy, x, seed=seed, **arguments), jit_compile=True
        )
        return whole(x, seed)

    return run


def _step(energy, step_size, noise, seed, gradient_clamp, range_clamp, free=None):
    """The kernel both walks share: (k, x_k) -> (x_{k+1}, the score's norm [B])."""

    def step(k, x):
        gradient = energies.score(energy, x)
        norm = tf.norm(tf.reshape(gradient, [tf.shape(x)[0], -1]), axis=1)
        if gradient_clamp is not None:
            gradient = tf.clip_by_value(gradient, -gradient_clamp, gradient_clamp)
        following = x + step_size * gradient
        if tf.is_tensor(noise) or noise:
            step_seed = tf.random.experimental.stateless_fold_in(seed, k)
            following += noise * tf.random.stateless_normal(
                tf.shape(x), step_seed, dtype=x.dtype
            )
        if range_clamp is not None:
            following = tf.clip_by_value(following, -range_clamp, range_clamp)
        if free is not None:
            following = tf.where(free, following, x)
        return tf.ensure_shape(following, x.shape), norm

    return step


def _repeat(body, steps, *state):
    # One iteration at a time: each one in flight would hold a network's activations.
    return tf.while_loop(
        lambda k, *_: k < steps, body, (0, *state), parallel_iterations=1
    )
