"""What all subcommands share: flags by subject, --help, one sentence for bad input."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from absl import flags

from jem_tf.errors import InputError
from jem_tf.runs import flagfiles
from jem_tf.system import console, texts

HELP = ("-h", "-help", "--help", "--helpfull", "--helpshort")
NARROW, WIDE = 60, 100  # columns of --help
# Arguments of the library whose flags have other names, unless a command says more.
FLAG_NAMES = {"name": "dataset", "path": "workdir"}


@dataclasses.dataclass(frozen=True)
class Command:
    """A subcommand.

    name: such as "evaluate ood".
    about: its help's text: a sentence, then examples.
    define: defines its flags.
    run: does it, given the parsed flags, and the arguments that are not flags.
    argument: what to call the one argument that is not a flag, or, ending in "...",
      the several; "" if there is none.
    parse: (argv, flags) -> the arguments that are not flags.
    """

    name: str
    about: str
    define: Callable[[flags.FlagValues], None]
    run: Callable[..., None]
    argument: str = ""
    parse: Callable[[list[str], flags.FlagValues], list[str]] = lambda argv, values: (
        values(argv)
    )


class FlagGroup:
    """Defines flags that stand under one heading in --help.

    Args:
      values: where the flags go.
      title: the heading.
    """

    def __init__(self, values: flags.FlagValues, title: str):
        self._where: dict[str, Any] = {"flag_values": values, "module_name": title}

    def text(self, name: str, default: str | None, help: str) -> None:
        """A flag of any text."""
        flags.DEFINE_string(name, default, help, **self._where)

    def texts(self, name: str, default: list[str] | None, help: str) -> None:
        """A flag of texts with commas between them."""
        flags.DEFINE_list(name, default, help, **self._where)

    def choice(
        self, name: str, default: str | None, choices: Sequence[str], help: str
    ) -> None:
        """A flag of one text out of several."""
        flags.DEFINE_enum(name, default, list(choices), help, **self._where)

    def switch(self, name: str, default: bool | None, help: str) -> None:
        """A flag that is on or off, or None where it was not given."""
        flags.DEFINE_bool(name, default, help, **self._where)

    def integer(
        self,
        name: str,
        default: int | None,
        help: str,
        least: int | None = None,
        most: int | None = None,
    ) -> None:
        """A flag of a whole number in [least, most]."""
        flags.DEFINE_integer(name, default, help, least, most, **self._where)

    def number(
        self,
        name: str,
        default: float | None,
        help: str,
        least: float | None = None,
        most: float | None = None,
        *,
        above: float | None = None,
    ) -> None:
        """A flag of a finite number in [least, most], and above `above`."""
        flags.DEFINE_float(name, default, help, **self._where)
        bounds = flagfiles.Range(least, above, most)
        bounds.hold(name, self._where["flag_values"])

    def alias(self, name: str, of: str) -> None:
        """Another name of the flag `of`. Both in one command are refused."""
        flags.DEFINE_alias(name, of, **self._where)
        values = self._where["flag_values"]
        flags.register_validator(
            of,
            lambda _: values[name].present in (0, values[of].present),
            f"--{name} is another name of --{of}; give one of them.",
            values,
        )


def execute(command: Command, arguments: Sequence[str]) -> NoReturn:
    """Runs a subcommand and ends the program; bad input ends it in one sentence.

    Args:
      command: Command.
      arguments: what follows the subcommand on the command line.
    """
    console.escape_what_cannot_be_shown()
    for word in arguments:
        if not texts.is_text(word):  # no flagfile, no JSON and no figure can hold it
            sys.exit(f"jem_tf: {word!r} is not one line of text in UTF-8; rename it.")
    values = flags.FlagValues()
    command.define(values)
    if set(arguments) & set(HELP):
        console.end_with(help_text(command, values))
    program = f"jem-tf {command.name}"
    try:
        _, *others = command.parse([program, *arguments], values)
    except flags.Error as error:
        sys.exit(f"jem_tf: {' '.join(str(error).split())}")
    except UnicodeDecodeError as error:
        sys.exit(f"jem_tf: --flagfile names no text in UTF-8 ({error}); convert it.")
    if others and not command.argument:
        sys.exit(f"jem_tf: {others[0]!r} is not a flag; write --name=value.")
    several = command.argument.endswith("...")
    if command.argument and (not others or (len(others) > 1 and not several)):
        sys.exit(f"jem_tf: give one {command.argument}: {usage(command)}")
    try:
        with _cleaned_up_on_sigterm():
            command.run(values, *others)
    except InputError as error:
        sys.exit(f"jem_tf: {error.with_flags(FLAG_NAMES)}")
    except BrokenPipeError:
        console.close()
        sys.exit("jem_tf: ended, because nobody reads its output any more.")
    except OSError as error:
        workdir = values["workdir"].value if "workdir" in values else ""
        place = f"--workdir={workdir}" if workdir else "a file"
        sys.exit(f"jem_tf: {place} cannot be written: {error}")
    except KeyboardInterrupt:
        console.end_interrupted("jem_tf: interrupted; no result was written.")
    sys.exit(0)


@contextlib.contextmanager
def _cleaned_up_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the program as an exception, so that half a folder is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def usage(command: Command) -> str:
    """How a command is called, such as "jem-tf import-pytorch CHECKPOINT [FLAGS]"."""
    return " ".join(filter(None, ["jem-tf", command.name, command.argument, "[FLAGS]"]))


def help_text(command: Command, values: flags.FlagValues) -> str:
    """The text of --help: what the command does, and its flags by subject."""
    width = min(max(shutil.get_terminal_size().columns, NARROW), WIDE)
    lines = [f"usage: {usage(command)}", "", command.about.strip()]
    for title, own in values.flags_by_module_dict().items():
        if title == flagfiles.OLD:
            continue
        lines += ["", f"{title}:"]
        for flag in own:
            lines += _flag_lines(flag, width)
    return "\n".join(lines)


def _flag_lines(flag: flags.Flag, width: int) -> list[str]:
    text = re.sub(r"^<[^>]*>: ", "", flag.help).rstrip(".")  # absl adds the choices
    limits = flagfiles.range_of(flag)
    text += f" ({limits})" if limits else ""
    if flag.default not in (None, ""):
        text += f". Default: {_spelled(flag.default)}"
    style: dict[str, Any] = {"initial_indent": " " * 6, "subsequent_indent": " " * 6}
    style["break_on_hyphens"] = False
    return [f"  {_left_side(flag)}", *textwrap.wrap(text, width, **style)]


def _left_side(flag: flags.Flag) -> str:
    if flag.boolean:
        return f"--[no]{flag.name}"
    kinds = {"int": "N", "float": "X", "comma separated list of strings": "A,B,..."}
    choices = getattr(flag.parser, "enum_values", None)
    kind = "|".join(filter(None, choices)) if choices else ""
    return f"--{flag.name}={kind or kinds.get(flag.flag_type(), 'TEXT')}"


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def end_at_once(line: str, code: int) -> NoReturn:
    """Prints a line to standard error and ends the process without any clean-up."""
    print(f"jem_tf: {line}", file=sys.stderr, flush=True)
    os._exit(code)
