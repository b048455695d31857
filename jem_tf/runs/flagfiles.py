"""Options as absl flags: define and parse them, write and read flagfiles."""

import dataclasses
import math
import os
import pathlib
from typing import Any

from absl import flags

from jem_tf.errors import InputError
from jem_tf.options import GROUPS, OLD_NAMES, Options, flatten

# Beside the package in a checkout, inside it in an installed wheel.
PRESETS = [pathlib.Path(__file__).parents[n] / "flags" for n in (2, 1)]
OLD = "Old names of flags"
BOUNDS = {"least": "at least", "above": "above", "most": "at most"}


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers that a flag takes: a validator of its value, and the range in words.

    A value holds least <= value <= most and above < value; a bound of None bounds
    nothing. NaN and infinity, which are numbers to absl, are never in the range.
    """

    least: float | None = None
    above: float | None = None
    most: float | None = None

    def __call__(self, value: float | None) -> bool:
        """Tells whether a value is in the range; None, a flag that is not given, is."""
        if value is None:
            return True
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        bounds = {word: getattr(self, name) for name, word in BOUNDS.items()}
        return ", ".join(f"{word} {x}" for word, x in bounds.items() if x is not None)

    def hold(self, name: str, flag_values: flags.FlagValues) -> None:
        """Makes the flag called `name` refuse all values out of the range."""
        message = f"it must be a number {self}".rstrip()
        flags.register_validator(name, self, message, flag_values)


def range_of(flag: flags.Flag) -> str:
    """The range that a flag holds to in words, such as "at least 0"; "" if none."""
    parser = flag.parser
    least, most = (getattr(parser, f"{end}_bound", None) for end in ("lower", "upper"))
    ranges = [check.checker for check in flag.validators]
    held = [str(check) for check in ranges if isinstance(check, Range)]
    return str(Range(least, most=most)) or ", ".join(filter(None, held))


def define(flag_values: flags.FlagValues) -> None:
    """Defines the flag of every option on `flag_values`, and its old name if any."""
    for group in GROUPS.values():
        subject = (group.__doc__ or "").splitlines()[0].rstrip(".")
        for field in dataclasses.fields(group):
            _define(field, flag_values, subject)
    for old, name in OLD_NAMES.items():
        flags.DEFINE_alias(old, name, flag_values=flag_values, module_name=OLD)


def parse(argv: list[str], flag_values: flags.FlagValues) -> list[str]:
    """Parses argv, and before it the preset of its data set unless it has --flagfile.

    Args:
      argv: the program's name and its arguments.
      flag_values: where `define` put the flags.

    Returns:
      The arguments that are not flags.

    Raises:
      flags.Error: if a flag is unknown, or its value out of range.
    """
    words = [
        word.lstrip("-").split("=")[0] for word in argv[1:] if word.startswith("-")
    ]
    preset = None if "flagfile" in words else _preset(argv)
    if preset is None:
        return flag_values(argv)
    return flag_values([argv[0], f"--flagfile={preset}", *argv[1:]])


def from_flags(flag_values: flags.FlagValues) -> Options:
    """Makes Options from parsed flags."""
    groups = {
        name: group(
            **{
                field.name: getattr(flag_values, field.name)
                for field in dataclasses.fields(group)
            }
        )
        for name, group in GROUPS.items()
    }
    return Options(**groups)


def to_flagfile(options: Options) -> str:
    """Returns the text of a flagfile with all options except the workdir."""
    values = flatten(options)
    del values["workdir"]
    return "".join(f"{spell(name, value)}\n" for name, value in values.items())


def spell(name: str, value: Any) -> str:
    """Spells an option as its flag, such as "--batch_size=64"."""
    value = str(value).lower() if isinstance(value, bool) else value
    return f"--{name}={value}"


def from_flagfile(path: str | os.PathLike) -> Options:
    """Reads Options from a flagfile; flags of this program's command line do not count.

    Raises:
      InputError: if there is no such file, or it holds something that is not a flag.
    """
    values = flags.FlagValues()
    define(values)
    try:
        _, *others = values(["jem_tf", f"--flagfile={os.fspath(path)}"])
    except (flags.Error, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a flagfile: {error}") from error
    if others:  # absl reads no flags after such a word
        raise InputError(f"{path} holds {others[0]!r}, which is not a flag; remove it.")
    return from_flags(values)


def find_preset(name: str) -> pathlib.Path | None:
    """The flagfile of the preset called `name`, such as "cifar10_cpu", if it exists."""
    presets = [place / f"{name}.flags" for place in PRESETS]
    try:
        return next((preset for preset in presets if preset.is_file()), None)
    except OSError:  # the name is too long for a file's, as a folder's may be
        return None


def _preset(argv: list[str]) -> pathlib.Path | None:
    """The preset of the data set that argv names, if there is one."""
    probe = flags.FlagValues()
    define(probe)
    try:
        probe(argv, known_only=True)
    except flags.Error:  # the real parser reports it
        return None
    return find_preset(probe.dataset)


def _define(
    field: dataclasses.Field, flag_values: flags.FlagValues, subject: str
) -> None:
    meta = field.metadata
    about = {"name": field.name, "default": field.default, "help": meta["help"]}
    about |= {"flag_values": flag_values, "module_name": subject}
    if meta["choices"]:
        flags.DEFINE_enum(enum_values=list(meta["choices"]), **about)
        return
    definers: dict[Any, str] = {
        bool: "boolean",
        int: "integer",
        float: "float",
        str: "string",
    }
    getattr(flags, f"DEFINE_{definers[field.type]}")(**about)
    if field.type in (int, float):
        Range(**{name: meta[name] for name in BOUNDS}).hold(field.name, flag_values)
