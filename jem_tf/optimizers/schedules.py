"""The learning rate over the steps of a run: a warm-up, and one of SCHEDULES after it.

In "steps" the rate falls by a factor at some shares of the run, and stays there: the
authors of JEM multiply it by 0.3 after 160 and 180 of 200 epochs; those of SADA-JEM by
0.2 after 60, 120 and 180 of 200.
"""

import fractions
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers import schedules as keras_schedules
from keras.optimizers.schedules import LearningRateSchedule

from jem_tf.errors import InputError, argument

DECAY_AT, DECAY_FACTOR = "0.8,0.9", 0.3  # the authors of JEM


@keras.saving.register_keras_serializable("jem_tf")
class WarmedUp(LearningRateSchedule):
    """Grows linearly to `schedule`'s value during the first `warmup_steps` steps."""

    def __init__(self, schedule: LearningRateSchedule, warmup_steps: int):
        self.schedule, self.warmup_steps = schedule, warmup_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        share = (tf.cast(step, tf.float32) + 1) / max(self.warmup_steps, 1)
        return self.schedule(step) * tf.minimum(share, 1.0)

    def get_config(self) -> dict[str, Any]:
        schedule = keras_schedules.serialize(self.schedule)
        return {"schedule": schedule, "warmup_steps": self.warmup_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmedUp":
        """Makes an equal one of what `get_config` gave."""
        return cls(
            keras_schedules.deserialize(config["schedule"]), config["warmup_steps"]
        )


@keras.saving.register_keras_serializable("jem_tf")
class LinearDecay(LearningRateSchedule):
    """`learning_rate` until step `first`, then linearly down to 0 at step `last`."""

    def __init__(self, learning_rate: float, first: int, last: int):
        self.learning_rate, self.first, self.last = learning_rate, first, last

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        left = (self.last - tf.cast(step, tf.float32)) / max(1, self.last - self.first)
        return self.learning_rate * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        rate, first, last = self.learning_rate, self.first, self.last
        return {"learning_rate": rate, "first": first, "last": last}


def parse_shares(text: str) -> tuple[float, ...]:
    """Reads shares of a run, such as "0.8,0.9" or "1/3,2/3,5/6".

    Raises:
      InputError: if they are no numbers that rise within (0, 1).
    """
    try:
        shares = tuple(float(fractions.Fraction(part)) for part in text.split(","))
    except (ValueError, ZeroDivisionError, OverflowError):
        shares = ()
    bounded = (0.0, *shares, 1.0)
    rising = all(a < b for a, b in itertools.pairwise(bounded))
    if not (shares and rising):
        raise InputError(
            f"{argument('decay_at', text)} must list shares of the run that rise "
            "within 0 and 1, with commas between them, as 0.8,0.9 or 1/3,2/3."
        )
    return shares


def in_steps(
    learning_rate: float, steps: int, *, at: Sequence[float], factor: float
) -> LearningRateSchedule:
    """The rate of a run of `steps` steps, multiplied by `factor` at each share `at`."""
    # The last step of each rate. 100 * 0.28 is a little more than 28.
    last = [math.ceil(round(steps * share, 6)) - 1 for share in at]
    rates = [learning_rate * factor**i for i in range(len(last) + 1)]
    return keras_schedules.PiecewiseConstantDecay(last, rates)


def _in_steps(
    learning_rate: float, steps: int, *, decay_at: str, decay_factor: float, **_: Any
) -> LearningRateSchedule:
    shares = parse_shares(decay_at)
    return in_steps(learning_rate, steps, at=shares, factor=decay_factor)


def _cosine(learning_rate: float, steps: int, **_: Any) -> LearningRateSchedule:
    return keras_schedules.CosineDecay(learning_rate, steps)


def _constant(learning_rate: float, steps: int, **_: Any) -> LearningRateSchedule:
    return keras_schedules.PiecewiseConstantDecay([steps], [learning_rate] * 2)


def _one_cycle(
    learning_rate: float, steps: int, *, warmup_steps: int, **_: Any
) -> LearningRateSchedule:
    return LinearDecay(learning_rate, warmup_steps, steps)


# By name: (learning rate after warm-up, steps, *, warmup_steps, decay_at, decay_factor)
# -> schedule.
SCHEDULES: dict[str, Callable[..., LearningRateSchedule]] = {
    "steps": _in_steps,
    "cosine": _cosine,
    "constant": _constant,
    "one_cycle": _one_cycle,
}
