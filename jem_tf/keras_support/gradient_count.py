"""How many gradients a model was given: by all its optimisers, and before it was saved.

Seeds go by this count, so that no random number comes twice.
"""

from typing import Any

import keras
import numpy as np

from jem_tf import optimizers

BEFORE = "steps_before"  # in files of weights


class CountsGradients(keras.Model):
    """A Keras model that counts on when it is compiled again, or read from a file."""

    _gradients_before: int = 0  # by optimisers of before

    @property
    def gradients_taken(self) -> int:
        """How many gradients all its optimisers were given."""
        if not self.compiled:
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
        """Puts the count before this optimiser's in a file of weights."""
        super().save_own_variables(store)
        store[BEFORE] = np.array(self._gradients_before)

    def load_own_variables(self, store: Any) -> None:
        """Takes what `save_own_variables` put; files of before begin at 0."""
        super().load_own_variables(store)
        known = BEFORE in store.keys()  # noqa: SIM118
        found = int(store[BEFORE][()]) if known else 0
        if found == self._gradients_before:
            return
        self._gradients_before = found
        self._trace_anew()
        if self.train_function is not None:  # `fit` may be about to call it
            self.make_train_function(force=True)
