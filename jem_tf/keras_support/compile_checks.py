"""Whether a loss and metrics are for logits, as `compile` takes them.

Keras takes a name, a function or an object, also in lists and dicts. Most of its own
take probabilities, and answer wrong numbers of logits.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras

from jem_tf.errors import InputError, argument

# Takers of probabilities that know no from_logits: losses, and metrics that compare
# what they get with a threshold.
PROBABILITIES = set(
    """
    kl_divergence KLDivergence binary_accuracy BinaryAccuracy BinaryIoU Precision Recall
    TruePositives TrueNegatives FalsePositives FalseNegatives PrecisionAtRecall
    RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity
    """.split()
)
CROSS_ENTROPY = ("crossentropy", "ce")  # names in `compile` alone; of probabilities


def only_loss(loss: Any) -> Any:
    """The loss that `compile` is given, without a list or a dict of one around it.

    Raises:
      InputError: if there are several, or if it is Keras's own and takes probabilities.
    """
    losses = [x for x in keras.tree.flatten(loss) if x is not None]
    if len(losses) > 1:
        raise InputError(
            f"{argument('loss', loss)} has {len(losses)} losses, and the network one "
            "output; give one."
        )
    for name in _takers_of_probabilities(losses, keras.losses.get):
        raise InputError(
            f"{argument('loss', name)} takes probabilities, and the network gives "
            "logits; leave it out, or give keras.losses."
            "SparseCategoricalCrossentropy(from_logits=True)."
        )
    return losses[0] if losses else None


def check_metrics(metrics: Any, name: str = "metrics") -> None:
    """Refuses metrics that take probabilities, where the network gives logits.

    Args:
      metrics: what `compile` takes: None, a list or a dict, or lists in them.
      name: of the argument.

    Raises:
      InputError: if one is Keras's own, and not told that it gets logits.
    """
    flat = keras.tree.flatten(metrics)
    for taker in _takers_of_probabilities(flat, keras.metrics.get):
        raise InputError(
            f"{argument(name, taker)} takes probabilities, and the network gives "
            "logits; leave it out, or give keras.metrics."
            "SparseCategoricalCrossentropy(from_logits=True)."
        )


def names_of(metrics: Any) -> set[str]:
    """The names by which Keras logs metrics; without those of functions."""
    return {
        getattr(metric, "name", metric)
        for metric in keras.tree.flatten(metrics)
        if isinstance(metric, str | keras.metrics.Metric)
    }


def _takers_of_probabilities(
    given: list[Any], get: Callable[[Any], Any]
) -> Iterator[str]:
    for one in given:
        if isinstance(one, str) and one.lower() in CROSS_ENTROPY:
            yield one
        elif name := _taker_of_probabilities(one, get):
            yield name


def _taker_of_probabilities(given: Any, get: Callable[[Any], Any]) -> str | None:
    """The name of a loss or metric that takes probabilities; None of any other."""
    try:
        known = get(given)
    except (TypeError, ValueError):  # Keras says what is wrong with it
        return None
    if isinstance(known, keras.losses.Loss | keras.metrics.Metric):
        config = _config(known)
        name, from_logits = type(known).__name__, config.get("from_logits")
        if config.get("threshold") is not None:  # as F1Score may have one
            from_logits = False
    elif callable(known):
        name = given if isinstance(given, str) else getattr(known, "__name__", "")
        takes = inspect.signature(known).parameters.get("from_logits")
        from_logits = getattr(takes, "default", None)
    else:
        return None
    takes_them = from_logits is False or name in PROBABILITIES
    return (given if isinstance(given, str) else name) if takes_them else None


def _config(known: Any) -> dict[str, Any]:
    try:
        return known.get_config()
    except NotImplementedError:  # a user's own
        return {}
