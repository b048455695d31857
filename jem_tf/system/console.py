"""Text on standard output: lines above a progress bar, pages that a pipe may cut."""

import io
import os
import sys


def say(line: str) -> None:
    """Prints a line at once, above the progress bar if there is one."""
    from tqdm import tqdm

    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def show(text: str) -> None:
    """Prints a text. A pipe may close before its end, as `| head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        close()


def close() -> None:
    """Forgets what a closed pipe did not take, so that Python ends without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape_what_cannot_be_shown() -> None:
    r"""From now on prints a character that a terminal's encoding lacks as "\u9ce5".

    Otherwise a class name or a path in another script would end the program.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
