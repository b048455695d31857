"""How Keras's files keep a JEM: its replay buffer as variables, the rest as a config.

    weights    shard_i, ages_i of each replica, and by_class, beside the network's own
    config     network, sampler, buffer with its start, and the arguments of JEM

A buffer that is read is dealt out anew, to as many replicas as there are. A sampler and
a start of a user's own have no configuration: their code is not in the file.
"""

import base64
import dataclasses
import functools
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from jem_tf import samplers, starts
from jem_tf.errors import InputError, argument
from jem_tf.networks import layers  # noqa: F401  registers what a network may be made of
from jem_tf.replay import ReplayBuffer

INSTEAD = "use save_weights, which keeps the network and the buffer"


def write_buffer(buffer: ReplayBuffer | None, store: Any) -> None:
    """Puts the chains and their ages into a store of Keras's.

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
        store[f"shard_{i}"] = getattr(buffer, f"shard_{i}").numpy()
        store[f"ages_{i}"] = getattr(buffer, f"ages_{i}").numpy()


def read_buffer(buffer: ReplayBuffer | None, store: Mapping[str, Any]) -> None:
    """Takes over the chains of a store; warns of a store without any.

    Raises:
      InputError: if they are of another number, shape or order.
    """
    if buffer is None:
        return
    names = [name for name in store.keys() if name.startswith("shard_")]  # noqa: SIM118
    if not names:
        warnings.warn(
            "The file has no replay buffer; chains go on from the model's own.",
            stacklevel=2,
        )
        return
    images = [np.asarray(store[f"shard_{i}"]) for i in range(len(names))]
    ages = [np.asarray(store[f"ages_{i}"]) for i in range(len(names))]
    _check_fit(buffer, images, int(np.asarray(store["by_class"])))
    buffer.restore(images, ages)


def config_of(model: Any) -> dict[str, Any]:
    """The arguments that make an equal JEM, as JSON may hold them.

    Args:
      model: a JEM, whose attributes are named as its arguments.

    Raises:
      InputError: if its sampler or start is no member of this package's tables.
    """
    takes = inspect.signature(type(model).__init__).parameters
    plain = {
        name: getattr(model, name)
        for name in takes
        if name not in ("self", "network", "buffer", "sampler")
    }
    return plain | {
        "network": keras.saving.serialize_keras_object(model.network),
        "buffer": _buffer_config(model.buffer),
        "sampler": _sampler_config(model.sampler),
    }


def arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of JEM that `config_of` described."""
    return dict(config) | {
        "network": keras.saving.deserialize_keras_object(config["network"]),
        "buffer": _make_buffer(config["buffer"]),
        "sampler": _make_sampler(config["sampler"]),
    }


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
        why = str(error).strip().splitlines()[0].strip()
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


def _buffer_config(buffer: ReplayBuffer | None) -> dict[str, Any] | None:
    if buffer is None:
        return None
    return {
        "size": buffer.size,
        "reinit_prob": buffer.reinit_prob,
        "num_classes": buffer.num_classes,
        "start": _start_config(buffer.start),
    }


def _make_buffer(config: Mapping[str, Any] | None) -> ReplayBuffer | None:
    if config is None:
        return None
    return ReplayBuffer(**dict(config) | {"start": _make_start(config["start"])})


def _start_config(start: Any) -> dict[str, Any]:
    kind = next((k for k, v in starts.KINDS.items() if type(start) is v), None)
    if kind is None:
        raise InputError(
            f"{argument('start')} is {start!r}, whose code no file can hold; choose "
            f"one of jem_tf.starts, or {INSTEAD}."
        )
    fields = [field.name for field in dataclasses.fields(start)]
    return {"kind": kind} | {name: _packed(getattr(start, name)) for name in fields}


def _make_start(config: Mapping[str, Any]) -> starts.Start:
    fields = {name: _unpacked(x) for name, x in config.items() if name != "kind"}
    return starts.KINDS[config["kind"]](**fields)


def _packed(value: Any) -> Any:
    if callable(value):
        return {"start": _start_config(value)}
    if tf.is_tensor(value):
        text = base64.b64encode(value.numpy().astype("<f4").tobytes()).decode()
        return {"float32": text, "shape": list(value.shape)}
    return list(value) if isinstance(value, tuple) else value


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict) and "start" in value:
        return _make_start(value["start"])
    if isinstance(value, dict):
        flat = np.frombuffer(base64.b64decode(value["float32"]), "<f4")
        return tf.constant(flat.reshape(value["shape"]), tf.float32)
    return value


def _sampler_config(sampler: Any) -> dict[str, Any] | None:
    if sampler is None:
        return None
    function = getattr(sampler, "func", None)
    name = next((k for k, v in samplers.SAMPLERS.items() if v is function), None)
    if not isinstance(sampler, functools.partial) or name is None or sampler.args:
        raise InputError(
            f"{argument('sampler')} is {sampler!r}, whose code no file can hold; bind "
            f"the numbers of {', '.join(samplers.SAMPLERS)} by functools.partial, or "
            f"{INSTEAD}."
        )
    return {"name": name, "arguments": _numbers(sampler.keywords)}


def _numbers(arguments: Mapping[str, Any]) -> dict[str, Any]:
    plain = {k: getattr(v, "item", lambda v=v: v)() for k, v in arguments.items()}
    for name, value in plain.items():
        if not isinstance(value, int | float | None):
            raise InputError(
                f"{argument('sampler')} has {argument(name, value)}, which no file can "
                f"hold; bind a number, or {INSTEAD}."
            )
    return plain


def _make_sampler(config: Mapping[str, Any] | None) -> samplers.Sampler | None:
    if config is None:
        return None
    return samplers.build(config["name"], **config["arguments"])
