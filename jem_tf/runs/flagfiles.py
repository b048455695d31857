"""Options as absl flags: defined, parsed over presets, written down and read back."""

import dataclasses
import functools
import math
import os
import pathlib
import sys

from absl import flags

from jem_tf.errors import InputError
from jem_tf.options import GROUPS, Options

# Beside the package in a checkout, inside it in an installed wheel.
PRESETS = [pathlib.Path(__file__).parents[n] / "flags" for n in (1, 0)]
BOUNDS = {"least": "at least", "above": "above", "most": "at most"}


def define(flag_values):
    """Defines the flag of every field on `flag_values`, for --help to show."""
    for group in GROUPS.values():
        for field in dataclasses.fields(group):
            _define(field, flag_values)
            flag = flag_values[field.name]
            flag_values.register_key_flag_for_module(sys.argv[0], flag)


def parse(argv, flag_values):
    """Parses argv over the preset of its data set, unless it names a flagfile.

    Args:
      argv: the program's name and its arguments.
      flag_values: where `define` put the flags.

    Returns:
      The arguments that are not flags.
    """
    words = [
        word.lstrip("-").split("=")[0] for word in argv[1:] if word.startswith("-")
    ]
    if "flagfile" not in words:
        probe = flags.FlagValues()
        define(probe)
        try:
            probe(argv, known_only=True)
            presets = [place / f"{probe.dataset}.flags" for place in PRESETS]
        except flags.Error:  # the real parser will say it better
            presets = []
        for preset in presets:
            if preset.is_file():
                return flag_values([argv[0], f"--flagfile={preset}", *argv[1:]])
    return flag_values(argv)


def parse_or_exit(argv, flag_values):
    """`parse` as `absl.app.run` wants it: what is wrong ends the program, in a line."""
    try:
        return parse(argv, flag_values)
    except flags.Error as error:
        sys.exit(f"jem_tf: {' '.join(str(error).split())}")


def from_flags(flag_values):
    """The Options that parsed flags spell."""
    return Options(
        **{
            name: group(
                **{
                    field.name: getattr(flag_values, field.name)
                    for field in dataclasses.fields(group)
                }
            )
            for name, group in GROUPS.items()
        }
    )


def to_flagfile(options):
    """The text of a flagfile that spells `options`, but for the place of the run."""
    lines = []
    for name, value in flat(options).items():
        if name != "workdir":
            value = str(value).lower() if isinstance(value, bool) else value
            lines.append(f"--{name}={value}\n")
    return "".join(lines)


def from_flagfile(path):
    """The Options in a flagfile, read apart from the program's own flags.

    Raises:
      InputError: if there is no such file, or it holds a flag that is not one.
    """
    values = flags.FlagValues()
    define(values)
    try:
        _, *others = values(["jem_tf", f"--flagfile={os.fspath(path)}"])
    except (flags.Error, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a flagfile: {error}") from error
    if others:  # absl reads no flag after one
        raise InputError(f"{path} holds {others[0]!r}, which is not a flag; remove it.")
    return from_flags(values)


def flat(options):
    """{flag: value} of all options, which TensorBoard shows as hyper-parameters."""
    return {
        k: v for group in dataclasses.asdict(options).values() for k, v in group.items()
    }


def identity(options):
    """{flag: value} of the options that make a run the run it is."""
    free = {
        field.name
        for group in GROUPS.values()
        for field in dataclasses.fields(group)
        if field.metadata["free"]
    }
    return {name: value for name, value in flat(options).items() if name not in free}


def _define(field, flag_values):
    meta = field.metadata
    known = {"name": field.name, "default": field.default, "help": meta["help"]}
    known |= {"flag_values": flag_values}
    if meta["choices"]:
        flags.DEFINE_enum(enum_values=list(meta["choices"]), **known)
        return
    definers = {bool: "boolean", int: "integer", float: "float", str: "string"}
    getattr(flags, f"DEFINE_{definers[field.type]}")(**known)
    if field.type in (int, float):
        bounds = {k: meta[k] for k in BOUNDS if meta[k] is not None}
        allowed = ", ".join(f"{BOUNDS[k]} {bound}" for k, bound in bounds.items())
        flags.register_validator(
            field.name,
            functools.partial(_within, **bounds),
            f"it must be a number {allowed}",
            flag_values,
        )


def _within(value, least=-math.inf, above=-math.inf, most=math.inf):
    # NaN and infinity are numbers to absl.
    return math.isfinite(value) and above < value and least <= value <= most
