"""How Keras's files of weights keep the replay buffer beside the network's weights.

The buffer's names there are shard_i, ages_i, origins_i and energies_i, of each replica,
and by_class. A buffer that is read is dealt out anew, to as many replicas as there are.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from jem_tf.errors import InputError, argument, first_line
from jem_tf.keras_support import first_variables
from jem_tf.keras_support.configuration import INSTEAD
from jem_tf.replay import ReplayBuffer


class SavedWithBuffer(keras.Model):
    """A Keras model whose files keep its `buffer`, a `ReplayBuffer` or None."""

    buffer: Any
    _unreadable: InputError | None = None

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As in Keras: a .keras file, or nothing written and an `InputError`."""
        check_saveable(self, filepath)
        super().save(filepath, *args, **kwargs)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        """As in Keras; chains of another buffer's size raise an `InputError`.

        The state of the optimiser is read, too, if the model is compiled.
        """
        self._unreadable = None
        first_variables.build_optimizer(self)
        try:
            super().load_weights(*args, **kwargs)
        except ValueError as error:  # Keras gathers what could not be read
            if self._unreadable is not None:
                raise self._unreadable from error
            raise

    def save_own_variables(self, store: Any) -> None:
        """Puts the buffer in a file of weights; Keras calls it."""
        write_buffer(self.buffer, store)

    def load_own_variables(self, store: Any) -> None:
        """Takes the buffer of a file of weights; Keras calls it."""
        try:
            read_buffer(self.buffer, store)
        except InputError as error:
            self._unreadable = error
            raise

    def compile_from_config(self, config: Any) -> None:
        """Compiles a model that Keras loads; Keras calls it."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        first_variables.build_optimizer(self)


def write_buffer(buffer: ReplayBuffer | None, store: Any) -> None:
    """Puts the chains into a store of Keras's.

    Raises:
      InputError: if other processes have shards, too.
    """
    if buffer is None:
        return
    if len(buffer.own) != buffer.num_shards:
        raise InputError(
            f"This process has {len(buffer.own)} of {buffer.num_shards} shards of the "
            "replay buffer, and a file needs all; save with jem_tf.train's checkpoints."
        )
    store["by_class"] = np.array(buffer.num_classes or 0, "int32")
    for i in buffer.own:
        for name, values in buffer.state_of(i).items():
            store[name] = values


def read_buffer(buffer: ReplayBuffer | None, store: Mapping[str, Any]) -> None:
    """Takes over the chains of a store; warns of a store without any.

    Raises:
      InputError: if they are of another number, shape or order.
    """
    if buffer is None:
        return
    state = {name: np.asarray(store[name]) for name in store.keys()}  # noqa: SIM118
    replicas = sum(name.startswith("shard_") for name in state)
    if not replicas:
        warnings.warn(
            "The file has no replay buffer; chains go on from the model's own.",
            stacklevel=2,
        )
        return
    images = [state[f"shard_{i}"] for i in range(replicas)]
    _check_fit(buffer, images, int(state["by_class"]))
    buffer.restore_state(state, replicas)


def check_saveable(model: Any, path: Any) -> None:
    """Raises InputError if a model cannot be saved whole, with nothing written yet."""
    if str(path).endswith((".h5", ".hdf5")):
        raise InputError(
            f"{argument('filepath', path)}: a JEM is saved whole in a .keras file; end "
            f"it so, or {INSTEAD} in a .weights.h5 file."
        )
    try:
        keras.saving.serialize_keras_object(model)
    except InputError:
        raise
    except (NotImplementedError, TypeError, ValueError) as error:
        why = first_line(error)
        raise InputError(
            f"{argument('network')} has no configuration that Keras can save ({why}); "
            f"give its class get_config, or {INSTEAD}."
        ) from error


def _check_fit(buffer: ReplayBuffer, images: list[np.ndarray], by_class: int) -> None:
    found = (sum(map(len, images)), *images[0].shape[1:])
    own = (buffer.size, *buffer.image_shape)
    if found != own:
        raise InputError(
            f"The file's replay buffer is of shape {list(found)}, and this model's of "
            f"{list(own)}; make the model's buffer of the file's size."
        )
    if buffer.num_classes and by_class != buffer.num_classes:
        raise InputError(
            f"The file's replay buffer has num_classes={by_class or None}, and this "
            f"model's {buffer.num_classes}; make the model's buffer as the file's."
        )
