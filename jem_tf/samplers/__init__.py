"""Samplers: Markov chains of images that sample from an energy.

    sampler(energy, x, seed=..., steps=K, ...) -> (images, Info)

    sgld          the paper's
    normalised    steps of one length, whatever the scale of the energy
    mala          samples p(x)^(1/T) exactly
    walking       what they share: the signature, the loop over steps, noise and clamps
    trajectories  a walk with every step of it kept

To add a sampler, write a function with the same arguments in a file of its own and
enter it in SAMPLERS: `--sampler` then takes its name, and
`tests/samplers/test_samplers.py` tests it. This folder imports `energies` and `errors`
alone.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from jem_tf.errors import InputError, argument
from jem_tf.samplers.mala import mala
from jem_tf.samplers.normalised import normalised
from jem_tf.samplers.sgld import sgld
from jem_tf.samplers.trajectories import Trace, trace
from jem_tf.samplers.walking import Energy, Info, Sampler, compiled, run

__all__ = [
    "SAMPLERS",
    "Energy",
    "Info",
    "Sampler",
    "Trace",
    "build",
    "compiled",
    "describe",
    "hyperparameters_of",
    "mala",
    "normalised",
    "run",
    "sgld",
    "trace",
]

SAMPLERS: dict[str, Callable[..., tuple[Any, Info]]] = {
    "sgld": sgld,
    "normalised": normalised,
    "mala": mala,
}
HYPERPARAMETERS = ("step_size", "noise", "temperature")  # that a member may have


def build(name: str, **arguments: Any) -> functools.partial:
    """Binds the arguments of the sampler called `name`.

    Args:
      name: a key of SAMPLERS.
      **arguments: of that sampler, such as `steps` and `step_size`.

    Returns:
      A `Sampler`: `.keywords` has what was bound.

    Raises:
      InputError: if there is no such sampler, or it has no such argument.
    """
    if name not in SAMPLERS:
        raise InputError(
            f"{argument('sampler', name)} is not known; choose one of "
            f"{', '.join(SAMPLERS)}."
        )
    takes = inspect.signature(SAMPLERS[name]).parameters
    for key, value in arguments.items():
        if key not in takes:
            numbers = ", ".join(map(argument, hyperparameters_of(name)))
            raise InputError(
                f"{argument(key, value)} is no argument of the sampler {name}, which "
                f"takes {numbers}; leave it out."
            )
    return functools.partial(SAMPLERS[name], **arguments)


def describe(sampler: functools.partial) -> dict[str, Any]:
    """Describes in a protocol what `build` returned: its name, and what is bound."""
    bound = {f"sampler_{name}": value for name, value in sampler.keywords.items()}
    return {"sampler": sampler.func.__name__} | bound


def hyperparameters_of(name: str) -> tuple[str, ...]:
    """Names the members of HYPERPARAMETERS that the sampler called `name` takes."""
    takes = inspect.signature(SAMPLERS[name]).parameters
    return tuple(number for number in HYPERPARAMETERS if number in takes)
