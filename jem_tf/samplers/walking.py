"""What all samplers share: their signature, the loop over steps, noise and clamps.

Letters: B chains of images [H, W, C] in [-1, 1]; k the number of a step; K steps.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument, whole_number

Energy = Callable[[tf.Tensor], tf.Tensor]  # [B, H, W, C] -> [B] in nats
Number = Any  # a float or a scalar tensor


class Info(NamedTuple):
    """What a sampler reports of K steps.

    score_norm: float [B], the L2 norm of the score where the last step began, in nats
      per unit of pixel value; 0 where K is 0.
    acceptance: float [B] in [0, 1], the share of the steps that were accepted; None
      for a sampler that accepts every step.
    """

    score_norm: tf.Tensor
    acceptance: tf.Tensor | None = None


class Sampler(Protocol):
    """A sampler with its hyperparameters bound: what `JEM` and `sampling` take.

    Args:
      energy: a function [B, H, W, C] -> [B] in nats.
      x: float [B, H, W, C], where the chains start.
      seed: int [2]; equal seeds give equal chains.
      steps: K, an int or an int tensor, at least 0.
      first: the number of the first step, an int or an int tensor. K steps equal j
        steps and then, from where they end, K - j steps with `first=j`.
      free: bool, such as [H, W, 1]: which pixels move. The others stay as they are, so
        that the chain samples p(free pixels | the others). None: all move.
      differentiable: whether gradients flow back through the K steps, to x; the memory
        of all steps is then held at once.

    Returns:
      (float [B, H, W, C], the images after K steps; Info).
    """

    def __call__(
        self, energy: Energy, x: Any, /, *, seed: Any, **arguments: Any
    ) -> tuple[Any, Info]: ...


def run(
    sampler: Sampler, energy: Energy, x: Any, *, seed: Any, **arguments: Any
) -> tuple[Any, Info]:
    """Runs a sampler that a user may have written.

    Raises:
      InputError: if it does not return (images, Info).
    """
    result = sampler(energy, x, seed=seed, **arguments)
    if not (isinstance(result, tuple) and len(result) == 2):
        raise InputError(
            f"{argument('sampler')} returns a {type(result).__name__}; it must return "
            "(images, jem_tf.samplers.Info)."
        )
    return result


def repeat(step: Callable, state: tuple, *, steps: Any, first: Any = 0) -> list:
    """Applies step(k, *state) -> state for k from `first`, `steps` times.

    Raises:
      InputError: if `steps` is a Python number, and not whole or below 0.
    """
    if not tf.is_tensor(steps):
        steps = whole_number("steps", steps, 0)
    # One iteration at a time: each one in flight would hold a network's activations.
    _, *final = tf.while_loop(
        lambda k, *_: k < steps,
        lambda k, *state: (k + 1, *step(first + k, *state)),
        (0, *state),
        parallel_iterations=1,
    )
    return final


def noise_of_step(x: tf.Tensor, seed: Any, k: Any) -> tf.Tensor:
    """Draws N(0, 1) in every pixel of x, for step k."""
    step_seed = tf.random.experimental.stateless_fold_in(seed, k)
    return tf.random.stateless_normal(tf.shape(x), step_seed, dtype=x.dtype)


def clamp(x: tf.Tensor, bound: Number | None) -> tf.Tensor:
    """Holds x within +-bound; None bounds nothing."""
    return x if bound is None else tf.clip_by_value(x, -bound, bound)


def is_noisy(noise: Number) -> bool:
    """Tells whether noise is drawn: unless it is known to be 0."""
    return tf.is_tensor(noise) or bool(noise)


def keep_fixed(
    following: tf.Tensor, x: tf.Tensor, free: np.ndarray | tf.Tensor | None
) -> tf.Tensor:
    """Puts the pixels of x back into `following` where they are not free."""
    if free is not None:
        following = tf.where(free, following, x)
    return tf.ensure_shape(following, x.shape)


def norm_of_each(x: tf.Tensor) -> tf.Tensor:
    """The L2 norm of each image: [B, ...] -> [B]."""
    norm = tf.norm(tf.reshape(x, [tf.shape(x)[0], -1]), axis=1)
    return tf.ensure_shape(norm, x.shape[:1])


def zero_for_each(x: tf.Tensor) -> tf.Tensor:
    """A zero for each image: [B, ...] -> [B]."""
    return tf.zeros_like(tf.reshape(x, [tf.shape(x)[0], -1])[:, 0])


def check_above_0(**arguments: Number) -> None:
    """Raises InputError if an argument is a Python number that is not above 0."""
    for name, value in arguments.items():
        if not tf.is_tensor(value) and not value > 0:
            raise InputError(f"{argument(name, value)} must be above 0.")


def end_walk(x: tf.Tensor, differentiable: bool) -> tf.Tensor:
    """Returns the last images, without their gradient unless `differentiable`."""
    return x if differentiable else tf.stop_gradient(x)


def compiled(sampler: Any) -> Any:
    """Makes one XLA program of a `Sampler`: for a GPU or TPU, not for a CPU."""

    def run(energy, x, *, seed, **arguments):
        whole = tf.function(
            lambda x, seed: sampler(energy, x, seed=seed, **arguments),
            jit_compile=True,
            autograph=False,
        )
        return whole(x, seed)

    return run
