"""Text on the terminal: lines above a progress bar, pages that a pipe may cut."""

import contextlib
import io
import os
import sys
from typing import NoReturn

from jem_tf.errors import InputError


def say(line: str) -> None:
    """Prints a line at once, above the progress bar if there is one.

    Where it cannot be written any more, as to a full disk or to a program that ended,
    what goes on is not stopped: standard error has a line, and this output is lost.
    """
    from tqdm import tqdm

    try:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()
    except OSError as error:
        close()
        with contextlib.suppress(OSError):
            note(f"jem_tf: goes on without its output ({error.strerror}).")


def note(line: str) -> None:
    """Prints a line on standard error, beside a text that programs may read."""
    print(line, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Prints a text. A pipe may close before its end, as `| head` does.

    Raises:
      InputError: if it cannot be written, as to a full disk.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        close()
    except OSError as error:
        close()
        raise InputError(
            f"The output cannot be written ({error.strerror}); send it elsewhere."
        ) from error


def end_with(text: str) -> NoReturn:
    """Ends the program with a text, such as that of --help."""
    try:
        show(text)
    except InputError as error:
        sys.exit(f"jem_tf: {error}")
    sys.exit(0)


def close() -> None:
    """Forgets what a closed pipe did not take, so that Python ends without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape_what_cannot_be_shown() -> None:
    r"""From now on prints a character that a terminal's encoding lacks as "\u9ce5".

    Otherwise a class name or a path in another script would end the program.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def end_interrupted(message: str) -> NoReturn:
    """Ends the program with 130, by which a shell knows that Ctrl-C ended it."""
    note(message)
    sys.exit(130)
