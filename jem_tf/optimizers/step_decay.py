"""A learning rate that falls by a factor at some steps of the run, and stays there.

The authors of JEM multiply it by 0.3 after 160 and 180 of 200 epochs; those of SADA-JEM
by 0.2 after 60, 120 and 180 of 200.
"""

import fractions
import itertools
import math
from collections.abc import Sequence

from keras.optimizers import schedules

from jem_tf.errors import InputError, argument

AT, FACTOR = "0.8,0.9", 0.3  # the authors of JEM


def parse_shares(text: str) -> tuple[float, ...]:
    """Reads shares of a run, such as "0.8,0.9" or "1/3,2/3,5/6".

    Raises:
      InputError: if they are no numbers that rise within (0, 1).
    """
    try:
        shares = tuple(float(fractions.Fraction(part)) for part in text.split(","))
    except (ValueError, ZeroDivisionError):
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
) -> schedules.LearningRateSchedule:
    """The rate of a run of `steps` steps, multiplied by `factor` at each share `at`."""
    last = [math.ceil(steps * share) - 1 for share in at]  # last step of a rate
    rates = [learning_rate * factor**i for i in range(len(last) + 1)]
    return schedules.PiecewiseConstantDecay(last, rates)
