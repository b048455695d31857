"""Trajectories: a sampler's walk with every step of it kept."""

from typing import Any, NamedTuple

import tensorflow as tf

from jem_tf.samplers.walking import Energy


class Trace(NamedTuple):
    """Every step of a chain of K steps.

    images: [K + 1, B, H, W, C]; the first are the start, the last the walk's end.
    energy: float32 [K + 1, B] in nats.
    score_norm: float32 [K, B], the L2 norm of the score where each step began.
    acceptance: float32 [K, B], 1 where the step was accepted, else 0; None where every
      step is.
    """

    images: tf.Tensor
    energy: tf.Tensor
    score_norm: tf.Tensor
    acceptance: tf.Tensor | None


def trace(
    sampler: Any, energy: Energy, x: Any, *, steps: Any, seed: Any, **arguments: Any
) -> Trace:
    """Runs K steps of `sampler` one at a time, and keeps every step.

    Args:
      sampler: a `Sampler`, or a member of SAMPLERS with its `arguments`.
      energy, x, steps, seed: see `Sampler`.
      **arguments: of the sampler.
    """
    steps, x = tf.convert_to_tensor(steps), tf.convert_to_tensor(x)
    images = tf.TensorArray(x.dtype, steps + 1, element_shape=x.shape)
    energy_, norms, accepted = (
        tf.TensorArray(tf.float32, size, element_shape=x.shape[:1])
        for size in (steps + 1, steps, steps)
    )
    refuses = False  # until the sampler tells otherwise

    def record(k, x, images, energy_, norms, accepted):
        nonlocal refuses
        following, info = sampler(energy, x, steps=1, first=k, seed=seed, **arguments)
        images, energy_ = images.write(k, x), _write(energy_, k, energy(x))
        if info.acceptance is not None:
            refuses, accepted = True, _write(accepted, k, info.acceptance)
        norms = _write(norms, k, info.score_norm)
        return k + 1, following, images, energy_, norms, accepted

    _, x, images, energy_, norms, accepted = tf.while_loop(
        lambda k, *_: k < steps,
        record,
        (0, x, images, energy_, norms, accepted),
        parallel_iterations=1,
    )
    images, energy_ = images.write(steps, x), _write(energy_, steps, energy(x))
    kept = [images, energy_, norms] + ([accepted] if refuses else [])
    stacked = [tf.stop_gradient(array.stack()) for array in kept]
    return Trace(*stacked, *(() if refuses else (None,)))


def _write(array: tf.TensorArray, k: Any, value: tf.Tensor) -> tf.TensorArray:
    """Energies of float64 images are float32, and their norms float64."""
    return array.write(k, tf.cast(value, array.dtype))
