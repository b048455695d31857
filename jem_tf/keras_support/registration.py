"""Makes Keras know our classes in files, with nothing of ours or of Keras imported.

`keras.models.load_model` finds a class of another package by its registered name alone:
of the module in a file it imports none but Keras's own. `import jem_tf` imports no
Keras, so the names are entered into Keras's registry when there is one, now or later;
a class is imported when a file names it.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

REGISTRY = "keras.src.saving.object_registration"
HOMES = {
    "JEM": "jem_tf.jem",
    "Activation": "jem_tf.networks.layers",
    "ConvLeakyReLU": "jem_tf.networks.layers",
    "BatchNormalization": "jem_tf.networks.batch_norm",
    "FrozenBatchNormalization": "jem_tf.networks.batch_norm",
    "Affine": "jem_tf.networks.affine",
    "WarmedUp": "jem_tf.optimizers.schedules",
    "LinearDecay": "jem_tf.optimizers.schedules",
    "Adam": "jem_tf.optimizers",
    "SGD": "jem_tf.optimizers",
}


class Later:
    """Stands for a class of ours, which is imported when one of it is made."""

    def __init__(self, module: str, name: str):
        self._module, self._name = module, name

    def from_config(self, config: dict[str, Any]) -> Any:
        """As of the class; Keras calls it."""
        return self._imported().from_config(config)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._imported()(*args, **kwargs)

    def _imported(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)


class WhenKerasIsImported:
    """Finds Keras's registry, once, with a loader that enters our names into it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = _Registering(spec.loader.name, spec.loader.path)
        return spec


class _Registering(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        enter_names(module)


def register_lazily() -> None:
    """Enters our names into Keras's registry, at once or when Keras is imported."""
    if REGISTRY in sys.modules:
        enter_names(sys.modules[REGISTRY])
    else:
        sys.meta_path.insert(0, WhenKerasIsImported())


def enter_names(registry: ModuleType) -> None:
    """Enters `Later`s for our classes; one that is imported replaces its own.

    Args:
      registry: the module REGISTRY.
    """
    for name, module in HOMES.items():
        registry.GLOBAL_CUSTOM_OBJECTS.setdefault(f"jem_tf>{name}", Later(module, name))
