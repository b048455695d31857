"""Joint energy-based models in Keras: classify, generate, and know what is unknown.

Nothing is imported until it is used: `import jem_tf` does not start TensorFlow.
"""

import importlib

__version__ = "0.1.0"
_HOMES = {
    "JEM": "jem_tf.jem",
    "ReplayBuffer": "jem_tf.replay",
    "sgld": "jem_tf.samplers",
    "load": "jem_tf.predictor",
}
_MODULES = ("datasets", "energies", "figures", "networks", "samplers", "starts")
__all__ = (*_HOMES, *_MODULES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"jem_tf.{name}")
    raise AttributeError(f"module 'jem_tf' has no attribute {name!r}")
