"""Keras optimisers, with the learning-rate schedule of a whole run.

    averaging   averages of the weights over the steps
    kernel_l2   coupled weight decay of kernels
    sharpness   the gradient at the worst weights nearby, for flat minima
    step_decay  a learning rate that falls by a factor at some steps

This folder imports `jem_tf.errors` alone.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers import schedules

from jem_tf.errors import InputError, argument
from jem_tf.optimizers import step_decay
from jem_tf.optimizers.averaging import WarmedUpAverage
from jem_tf.optimizers.kernel_l2 import KernelL2

EPSILON = 1e-8  # PyTorch's


@keras.saving.register_keras_serializable("jem_tf")
class WarmedUp(schedules.LearningRateSchedule):
    """Grows linearly to `schedule`'s value during the first `warmup_steps` steps."""

    def __init__(self, schedule: schedules.LearningRateSchedule, warmup_steps: int):
        self.schedule, self.warmup_steps = schedule, warmup_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        share = (tf.cast(step, tf.float32) + 1) / max(self.warmup_steps, 1)
        return self.schedule(step) * tf.minimum(share, 1.0)

    def get_config(self) -> dict[str, Any]:
        schedule = schedules.serialize(self.schedule)
        return {"schedule": schedule, "warmup_steps": self.warmup_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmedUp":
        """Makes an equal one of what `get_config` gave."""
        return cls(schedules.deserialize(config["schedule"]), config["warmup_steps"])


@keras.saving.register_keras_serializable("jem_tf")
class LinearDecay(schedules.LearningRateSchedule):
    """`learning_rate` until step `first`, then linearly down to 0 at step `last`."""

    def __init__(self, learning_rate: float, first: int, last: int):
        self.learning_rate, self.first, self.last = learning_rate, first, last

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        left = (self.last - tf.cast(step, tf.float32)) / max(1, self.last - self.first)
        return self.learning_rate * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        rate, first, last = self.learning_rate, self.first, self.last
        return {"learning_rate": rate, "first": first, "last": last}


@keras.saving.register_keras_serializable("jem_tf")
class Adam(KernelL2, WarmedUpAverage, keras.optimizers.Adam):
    """Keras's Adam with `kernel_l2`; averages of `use_ema=True` begin otherwise."""


@keras.saving.register_keras_serializable("jem_tf")
class SGD(KernelL2, WarmedUpAverage, keras.optimizers.SGD):
    """Keras's SGD with `kernel_l2`; averages of `use_ema=True` begin otherwise."""


def _in_steps(
    learning_rate: float, steps: int, *, decay_at: str, decay_factor: float, **_: Any
) -> schedules.LearningRateSchedule:
    shares = step_decay.parse_shares(decay_at)
    return step_decay.in_steps(learning_rate, steps, at=shares, factor=decay_factor)


def _cosine(
    learning_rate: float, steps: int, **_: Any
) -> schedules.LearningRateSchedule:
    return schedules.CosineDecay(learning_rate, steps)


def _constant(
    learning_rate: float, steps: int, **_: Any
) -> schedules.LearningRateSchedule:
    return schedules.PiecewiseConstantDecay([steps], [learning_rate] * 2)


def _one_cycle(
    learning_rate: float, steps: int, *, warmup_steps: int, **_: Any
) -> schedules.LearningRateSchedule:
    return LinearDecay(learning_rate, warmup_steps, steps)


# By name: (learning rate after warm-up, steps, *, warmup_steps, decay_at, decay_factor)
# -> schedule.
SCHEDULES: dict[str, Callable[..., schedules.LearningRateSchedule]] = {
    "steps": _in_steps,
    "cosine": _cosine,
    "constant": _constant,
    "one_cycle": _one_cycle,
}
# By name: (schedule, weight_decay=None, kernel_l2=0.0, use_ema=False) -> optimiser.
OPTIMIZERS = {
    "adam": functools.partial(Adam, epsilon=EPSILON),
    "sgd": functools.partial(SGD, momentum=0.9, nesterov=True),
    "momentum": functools.partial(SGD, momentum=0.9),
}


def build(
    name: str,
    *,
    learning_rate: float,
    steps: int,
    warmup_steps: int = 0,
    schedule: str = "steps",
    decay_at: str = step_decay.AT,
    decay_factor: float = step_decay.FACTOR,
    weight_decay: float = 0.0,
    kernel_l2: float = 0.0,
    ema: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Builds the optimiser of a run of `steps` training steps.

    Args:
      name: "adam", "sgd" with Nesterov momentum 0.9, or "momentum", SGD with the
        momentum 0.9 of Polyak.
      learning_rate: the learning rate after warm-up.
      steps: training steps of the whole run.
      warmup_steps: steps during which the rate grows linearly, from
        learning_rate / warmup_steps.
      schedule: "steps" (by `decay_at` and `decay_factor`), "cosine" (to 0), "constant",
        "one_cycle" (linearly to 0 at the end of the run; with the warm-up a triangle,
        see Smith & Topin 2017).
      decay_at: shares of the run, such as "0.8,0.9", at which "steps" multiplies the
        rate.
      decay_factor: by how much.
      weight_decay: decoupled weight decay; a step subtracts from each weight this
        times the learning rate times the weight.
      kernel_l2: coupled weight decay; a step adds this times the kernel to each
        kernel's gradient, see `kernel_l2`.
      ema: decay of the averages of the weights in [0, 1), see `averaging`; 0: none.

    Returns:
      The optimiser, not yet built.

    Raises:
      InputError: if there is no such optimiser or schedule, or `decay_at` is wrong.
    """
    for key, value, table in (
        ("optimizer", name, OPTIMIZERS),
        ("schedule", schedule, SCHEDULES),
    ):
        if value not in table:
            raise InputError(
                f"{argument(key, value)} is not known; choose one of "
                f"{', '.join(table)}."
            )
    after = SCHEDULES[schedule](
        learning_rate,
        steps,
        warmup_steps=warmup_steps,
        decay_at=decay_at,
        decay_factor=decay_factor,
    )
    rate = WarmedUp(after, warmup_steps)
    decay = {"weight_decay": weight_decay or None, "kernel_l2": kernel_l2}
    averages = {"use_ema": True, "ema_momentum": ema} if ema else {}
    return OPTIMIZERS[name](rate, **decay, **averages)


def gradients_taken(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    """The number of gradients that an optimiser was given, of each step one.

    Keras's own `iterations` stands still while gradients accumulate. A gradient that
    overflows under a LossScaleOptimizer is not counted: the next step has its seeds.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    return tf.convert_to_tensor(inner._iterations)


def sum_over_replicas(
    gradients: Sequence[tf.Tensor | None],
) -> list[tf.Tensor | None]:
    """The sums of gradients over all replicas; None where no image reaches the weight.

    Call it within `strategy.run`.

    Raises:
      InputError: if images reach no weight at all.
    """
    reached = [gradient for gradient in gradients if gradient is not None]
    if not reached:
        raise InputError(
            f"{argument('network')} has no weights that images reach and training may "
            "change; set trainable=True on some of its layers, and compile again."
        )
    sums = iter(tf.distribute.get_replica_context().all_reduce("sum", reached))
    return [None if gradient is None else next(sums) for gradient in gradients]


def clip_over_replicas(
    gradients: Sequence[tf.Tensor | None], bound: tf.Tensor | float | None = None
) -> tuple[list[tf.Tensor | None], tf.Tensor]:
    """Scales gradients so that their sum over all replicas has a global norm <= bound.

    Keras clips the gradient of each replica before it adds them up, so that training
    would depend on the number of replicas. Call this within `strategy.run`.

    Args:
      gradients: the gradients of this replica; None where no image reaches the weight.
      bound: the largest norm; None to measure the norm without clipping.

    Returns:
      (the gradients, the norm of their sum before it is bounded).
    """
    whole = [g for g in sum_over_replicas(gradients) if g is not None]
    norm = tf.linalg.global_norm(whole)
    scale = 1.0 if bound is None else tf.minimum(1.0, bound / norm)
    # The norm is that of the sum: if it is not finite, all replicas skip the step.
    scale = tf.where(tf.math.is_finite(norm), scale, norm)
    scaled = [None if gradient is None else gradient * scale for gradient in gradients]
    return scaled, norm
