"""Whether a sampler, perhaps of a user's own, is one that a training step can call."""

import inspect
from typing import Any

from jem_tf.errors import InputError, argument


def check_bound(sampler: Any) -> None:
    """Refuses a sampler that lacks hyperparameters, or is none.

    Raises:
      InputError: unless sampler(energy, x, seed=seed) is a call.
    """
    if not callable(sampler):
        raise InputError(f"{argument('sampler')} is {sampler!r}; give a function.")
    try:
        inspect.signature(sampler, follow_wrapped=False).bind(None, None, seed=None)
    except TypeError as error:
        raise InputError(
            f"{argument('sampler')} cannot be called as sampler(energy, x, seed=...): "
            f"{error}; bind its numbers, as functools.partial(jem_tf.sgld, steps=20, "
            "...) does."
        ) from error
    except ValueError:  # it does not tell what it takes
        pass
