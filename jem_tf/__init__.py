"""Joint energy-based models in Keras: they classify, generate and detect outliers.

    jem           the Keras model that trains, with its training step
    energy_model  a network read as energies: chains of training, samples
    energies      E(x) and E(x, y) of logits
    objectives    the losses of log p(x) and log p(x, y)
    alterations   real images made wrong, as negatives
    sampling      draws images for figures, commands and servers
    pixels        8 bits, and [-1, 1]
    options       all options of a run
    train         the program that trains
    errors        the exception that users read

The folders tell what they hold in their first lines.

Nothing is imported until it is used: `import jem_tf` does not start TensorFlow. Keras
learns the names of our classes, so that its `load_model` reads a JEM.
"""

import importlib
from typing import Any

from jem_tf.keras_support import registration

__version__ = "0.1.0"
_HOMES = {
    "JEM": "jem_tf.jem",
    "InputError": "jem_tf.errors",
    "Predictor": "jem_tf.serving.predictor",
    "ReplayBuffer": "jem_tf.replay",
    "export_run": "jem_tf.serving.exporting",
    "load": "jem_tf.serving.predictor",
    "mala": "jem_tf.samplers",
    "normalised": "jem_tf.samplers",
    "pretrained": "jem_tf.runs.pretrained_models",
    "sgld": "jem_tf.samplers",
}
_MODULES = {
    name: f"jem_tf.{name}"
    for name in (
        "corruptions datasets energies evaluation figures metrics networks objectives "
        "ood_scores pixels samplers sampling starts"
    ).split()
} | {"export": "jem_tf.serving.exporting"}
__all__ = [*_HOMES, *_MODULES]
registration.register_lazily()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'jem_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
