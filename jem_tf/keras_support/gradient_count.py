"""How many gradients a model was given: by all its optimisers, and before it was saved.

Seeds go by this count, so that no random number comes twice.
"""

from typing import Any

import keras
import numpy as np

from jem_tf import optimizers

# In files of weights: the count before the optimiser's own, and with it.
BEFORE, TOTAL = "steps_before", "steps_total"


class CountsGradients(keras.Model):
    """A Keras model that counts on when it is compiled again, or read from a file."""

    _gradients_before: int = 0  # by optimisers of before

    @property
    def gradients_taken(self) -> int:
        """How many gradients all its optimisers were given."""
        if not self.compiled or self.optimizer is None:
            return self._gradients_before
        return self._gradients_before + int(optimizers.gradients_taken(self.optimizer))

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """As in Keras; the count goes on."""
        taken = self.gradients_taken
        super().compile(*args, **kwargs)
        # An optimiser that is given again has its count already.
        self._gradients_before += taken - self.gradients_taken
        self._trace_anew()

    def _trace_anew(self) -> None:
        """Lets graphs go that hold the count or the optimiser, but for Keras's own."""

    def save_own_variables(self, store: Any) -> None:
        """Puts the count in a file of weights."""
        super().save_own_variables(store)
        store[BEFORE] = np.array(self._gradients_before)
        store[TOTAL] = np.array(self.gradients_taken)

    def load_own_variables(self, store: Any) -> None:
        """Takes what `save_own_variables` put; files of before begin at 0.

        A compiled model takes over the optimiser's own count, too, and another the
        total.
        """
        super().load_own_variables(store)
        own = self.compiled and self.optimizer is not None
        names = (BEFORE,) if own else (TOTAL, BEFORE)
        known = [name for name in names if name in store.keys()]  # noqa: SIM118
        found = int(store[known[0]][()]) if known else 0
        if found == self._gradients_before:
            return
        self._gradients_before = found
        self._trace_anew()
        if self.train_function is not None:  # `fit` may be about to call it
            self.make_train_function(force=True)
