"""How fast a run goes and when it will end, said once, after its first steps."""

import datetime
import time
from collections.abc import Callable
from typing import Any

import keras

from jem_tf.system.console import say
from jem_tf.training.loop import Plan

STEPS, SECONDS = 2, 10.0  # timed at least, before anything is said
SLOW = 60.0  # seconds of a step after which one is enough
LONG = 1.5 * 86_400  # seconds ahead from which on a run is one of days


class Pace(keras.callbacks.Callback):
    """Says what a step takes and when the run will end, wherever its output goes.

    The steps of the first execution are not timed, as they are compiled then.

    Args:
      plan: the run's steps, and how many are taken at once.
      images_per_step: images that a step learns from, of all replicas together.
      first: steps that were taken before.
      advice: a line to say as well if the end is days ahead; "" for none.
      clock: seconds.
    """

    def __init__(
        self,
        plan: Plan,
        images_per_step: int,
        *,
        first: int = 0,
        advice: str = "",
        clock: Callable[[], float] = time.perf_counter,
    ):
        super().__init__()
        self.plan, self.images_per_step = plan, images_per_step
        self.advice, self.clock = advice, clock
        self.said = False
        # The last step of the first execution, and of the one that is under way.
        self.compiled = first + plan.ahead(first)
        self.due = self.compiled

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        step = batch + 1
        if self.said or step != self.due:
            return
        self.due += self.plan.ahead(step)
        if step == self.compiled:
            self.begin = self.clock()
            return
        timed, seconds = step - self.compiled, self.clock() - self.begin
        enough = timed >= STEPS and seconds >= SECONDS
        if (enough or seconds >= SLOW) and step < self.plan.steps:
            self.said = True
            self._say(step, seconds / timed)

    def _say(self, step: int, seconds: float) -> None:
        left = self.plan.steps - step
        end = datetime.datetime.now() + datetime.timedelta(seconds=left * seconds)
        say(
            f"a step takes {seconds:.3g} s ({self.images_per_step / seconds:.3g} "
            f"images/s); the {left:,} steps ahead take about "
            f"{in_words(left * seconds)}, until about {end:%Y-%m-%d %H:%M}"
        )
        if self.advice and left * seconds >= LONG:
            say(self.advice)


def in_words(seconds: float) -> str:
    """A duration in the unit that suits it, such as "40 minutes" or "3.2 hours"."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    if seconds < LONG:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 86_400:.{0 if seconds >= 10 * 86_400 else 1}f} days"
