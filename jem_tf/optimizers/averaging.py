"""Averaged weights: exponential moving averages, which Keras's optimisers keep.

After step t = 0, 1, ... of training,

    average <- m average + (1 - m) weight,    m = min(decay, (1 + t) / (10 + t)),

but at t = 0 the average is the weight. The bound on m is that of TensorFlow's
`tf.train.ExponentialMovingAverage` with `num_updates`: the average is of about the last
tenth of a run until 1 / (1 - decay) steps are fewer than that. With Keras's constant m,
the weights after the first step keep a share of decay^t in it.

The averages are variables of the optimiser, so checkpoints have them, replicas have
equal ones, and a step that a loss scale of float16 leaves out does not count. The
moving statistics of batch normalisation are averages already, and are not averaged
again: averaged weights are evaluated with the statistics of the weights in training.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf


class WarmedUpAverage(keras.optimizers.Optimizer):
    """Mixed into an optimiser: the average of `use_ema=True` begins as said above."""

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """As in Keras; an average is its weight until the first step."""
        super().build(variables)
        for weight, average in _pairs(self):
            average.assign(weight)

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        momentum = momentum_at(self.iterations, self.ema_momentum)
        for weight, average in _pairs(self):
            average.assign(momentum * average + (1 - momentum) * weight)


def momentum_at(step: Any, decay: float) -> tf.Tensor:
    """The share m of the old average in the one after a step, float32 [] in [0, 1).

    Args:
      step: t, how many steps were taken before this one.
      decay: the share that m grows to, in [0, 1).
    """
    t = tf.cast(tf.convert_to_tensor(step), tf.float32)
    return tf.where(t == 0, 0.0, tf.minimum(decay, (1 + t) / (10 + t)))


def averages(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The averages of an optimiser's weights, in their order; [] if it keeps none."""
    return [average for _, average in _pairs(optimizer)]


@contextlib.contextmanager
def averaged(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """A context in which the weights are their averages, if the optimiser keeps any.

    At its end they are what they were, bit for bit. (Keras's own `SwapEMAWeights` swaps
    by adding and subtracting, which rounds.) Call it outside `strategy.run`.
    """
    weights = [weight for weight, _ in _pairs(optimizer)]
    before = [weight.numpy() for weight in weights]
    try:
        adopt(optimizer)
        yield
    finally:
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)


def adopt(optimizer: keras.optimizers.Optimizer) -> None:
    """Gives the weights the values of their averages, if the optimiser keeps any."""
    for weight, average in _pairs(optimizer):
        weight.assign(average)


def _pairs(optimizer: Any) -> list[tuple[keras.Variable, keras.Variable]]:
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
    kept = getattr(inner, "_model_variables_moving_average", ())  # unless it keeps none
    return list(zip(inner._trainable_variables, kept, strict=True)) if kept else []
