"""The one exception that programs show as a sentence instead of a traceback.

A library's error names the argument that was wrong. A program that set the argument by
a flag spells the flag instead:

    raise InputError(f"{argument('batch_size', 3)} does not divide among 2 replicas.")

reads "batch_size=3 does not divide ..." in a notebook, and "--batch_size=3 does not
divide ..." from a program.
"""

import contextlib
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any

SEEDS = 2**31  # seeds and counts are below it

# Stands before the name of an argument in a message until the message is shown. The
# character is from Unicode's private use area, so that a user's text does not have it.
_MARK = "\ue000"
_MARKED = re.compile(f"{_MARK}(\\w+)")


def argument(name: str, value: object = None) -> str:
    """Names an argument, with its value if there is one, in an `InputError`'s message.

    Args:
      name: of the argument, or of a field of `Options`.
      value: what the user gave; None to name the argument alone.

    Returns:
      Text for the message, such as "batch_size=3".
    """
    return f"{_MARK}{name}" if value is None else f"{_MARK}{name}={value}"


class InputError(ValueError):
    """A user's input is wrong; the message names it, its value and what to do.

    Args:
      message: one sentence or two, with arguments named by `argument`.
    """

    def __init__(self, message: str):
        super().__init__(message.replace(_MARK, ""))
        self._marked = message

    def with_flags(self, flags: Mapping[str, str] | None = None) -> str:
        """Returns the message with flags instead of arguments, for a program's user.

        Args:
          flags: {argument: flag} where the flag has another name than the argument.
        """
        names = flags or {}
        return _MARKED.sub(lambda m: f"--{names.get(m[1], m[1])}", self._marked)

    def followed_by(self, sentence: str) -> "InputError":
        """Returns the same error with a sentence more, as a message of `InputError`."""
        return InputError(f"{self._marked} {sentence}")

    def renamed(self, **names: str) -> "InputError":
        """Returns the same error with arguments renamed: argument=new name."""
        return InputError(
            _MARKED.sub(lambda m: argument(names.get(m[1], m[1])), self._marked)
        )


@contextlib.contextmanager
def arguments_renamed(**names: str) -> Iterator[None]:
    """A context that renames arguments in its `InputError`s: argument=new name.

    For a function that passes its own argument on under another name.
    """
    try:
        yield
    except InputError as error:
        raise error.renamed(**names) from error


def whole_number(name: str, value: Any, least: int, below: int = SEEDS) -> int:
    """Returns an argument's value as an int.

    Raises:
      InputError: if it is no whole number, or not in [least, below).
    """
    name = argument(name)
    if type(value).__name__ in ("bool", "bool_"):  # an old NumPy's is an index
        raise InputError(f"{name} is {value!r}; give a whole number.")
    try:
        value = operator.index(value)
    except TypeError as error:
        raise InputError(f"{name} is {value!r}; give a whole number.") from error
    if not least <= value < below:
        raise InputError(f"{name} is {value}; it must be from {least} to {below - 1}.")
    return value


def first_line(error: Exception) -> str:
    """The first line of an error's message; its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].strip()
