"""Lines on standard output that do not break a progress bar."""

import sys


def say(line: str) -> None:
    """Prints a line at once, above the progress bar if there is one."""
    from tqdm import tqdm

    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()
