"""A JEM as a configuration, from which Keras's `load_model` makes an equal one.

It has the network, the sampler, the buffer with its start, and the arguments of JEM. A
sampler and a start of a user's own have none: no file can hold their code.
"""

import base64
import dataclasses
import functools
import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state

from jem_tf import samplers, starts
from jem_tf.errors import InputError, argument
from jem_tf.networks import layers  # noqa: F401  registers what a network may be made of
from jem_tf.replay import ReplayBuffer

PACKED = {"float32": "<f4", "uint8": "u1"}  # tensors of starts, and NumPy's names
INSTEAD = "use save_weights, which keeps the network and the buffer"


def config_of(model: Any) -> dict[str, Any]:
    """The arguments that make an equal JEM, as JSON may hold them.

    Args:
      model: a JEM, whose attributes are named as its arguments.

    Raises:
      InputError: if its sampler or start is no member of this package's tables, if a
        subclass does not keep an argument of its own as an attribute, or if
        Keras is writing an .h5 file, which cannot hold a JEM.
    """
    if global_state.get_global_attribute("use_legacy_config"):  # while it writes .h5
        raise InputError(
            f"A JEM is saved whole in a .keras file, not in .h5; end it so, or "
            f"{INSTEAD}."
        )
    plain = {}
    for name in _parameters(type(model)):
        if name in ("self", "network", "buffer", "sampler"):
            continue
        if not hasattr(model, name):
            raise InputError(
                f"{type(model).__name__} does not keep its argument {name}, which a "
                f"file needs; set self.{name}, or give the class get_config."
            )
        plain[name] = getattr(model, name)
    return plain | {
        "dtype": model.dtype_policy.name,
        "network": keras.saving.serialize_keras_object(model.network),
        "buffer": _buffer_config(model.buffer),
        "sampler": _sampler_config(model.sampler),
    }


def arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of JEM that `config_of` described.

    Raises:
      InputError: inside a `strategy.scope()`, if there is a buffer to make.
    """
    if config["buffer"] is not None and tf.distribute.has_strategy():
        raise InputError(
            "load_model cannot make a JEM's replay buffer inside strategy.scope(); "
            "load the file outside of it, or make the JEM anew, with a buffer of "
            "devices=strategy.extended.worker_devices that is made before the scope, "
            "and read the file by its load_weights."
        )
    arguments = {name: value for name, value in config.items() if name != "dtype"}
    return arguments | {
        "network": keras.saving.deserialize_keras_object(config["network"]),
        "buffer": _make_buffer(config["buffer"]),
        "sampler": _make_sampler(config["sampler"]),
    }


def policy_of(config: Mapping[str, Any]) -> keras.DTypePolicy:
    """The dtype policy of the model that `config_of` described, or the global one.

    In mixed_float16 Keras scales the loss. Files of before have no policy.
    """
    return keras.dtype_policies.get(config.get("dtype"))


def _parameters(kind: type) -> list[str]:
    """The names of a class's arguments, with those that **kwargs pass on."""
    names: dict[str, None] = {}  # in order
    for one in kind.__mro__:
        if "__init__" not in vars(one):
            continue
        takes = inspect.signature(vars(one)["__init__"]).parameters.values()
        named = [x for x in takes if x.kind not in (x.VAR_KEYWORD, x.VAR_POSITIONAL)]
        names |= dict.fromkeys(x.name for x in named)
        if len(named) == len(takes):
            break
    return [*names]


def _buffer_config(buffer: ReplayBuffer | None) -> dict[str, Any] | None:
    if buffer is None:
        return None
    return {
        "size": buffer.size,
        "reinit_prob": buffer.reinit_prob,
        "restart_stuck": buffer.restart_stuck,
        "restart_age": buffer.restart_age,
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
        kind = "uint8" if value.dtype == tf.uint8 else "float32"
        text = base64.b64encode(value.numpy().astype(PACKED[kind]).tobytes()).decode()
        return {kind: text, "shape": list(value.shape)}
    return [_packed(one) for one in value] if isinstance(value, tuple) else value


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_unpacked, value))
    if isinstance(value, dict) and "start" in value:
        return _make_start(value["start"])
    if isinstance(value, dict):
        kind = next(kind for kind in PACKED if kind in value)
        flat = np.frombuffer(base64.b64decode(value[kind]), PACKED[kind])
        return tf.constant(flat.reshape(value["shape"]), kind)
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
