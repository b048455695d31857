"""Keras optimisers by name: `build`.

    schedules   the learning rate over the steps of a run
    averaging   averages of the weights over the steps
    kernel_l2   coupled weight decay of kernels
    sharpness   the gradient at the worst weights nearby, for flat minima
    clipping    gradients summed and clipped over all replicas

This folder imports `jem_tf.errors` alone.
"""

import functools

import keras
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.optimizers import schedules
from jem_tf.optimizers.averaging import WarmedUpAverage
from jem_tf.optimizers.kernel_l2 import KernelL2

EPSILON = 1e-8  # PyTorch's


@keras.saving.register_keras_serializable("jem_tf")
class Adam(KernelL2, WarmedUpAverage, keras.optimizers.Adam):
    """Keras's Adam with `kernel_l2`; averages of `use_ema=True` begin otherwise."""


@keras.saving.register_keras_serializable("jem_tf")
class SGD(KernelL2, WarmedUpAverage, keras.optimizers.SGD):
    """Keras's SGD with `kernel_l2`; averages of `use_ema=True` begin otherwise."""


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
    decay_at: str = schedules.DECAY_AT,
    decay_factor: float = schedules.DECAY_FACTOR,
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
        ("schedule", schedule, schedules.SCHEDULES),
    ):
        if value not in table:
            raise InputError(
                f"{argument(key, value)} is not known; choose one of "
                f"{', '.join(table)}."
            )
    after = schedules.SCHEDULES[schedule](
        learning_rate,
        steps,
        warmup_steps=warmup_steps,
        decay_at=decay_at,
        decay_factor=decay_factor,
    )
    rate = schedules.WarmedUp(after, warmup_steps)
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
