"""Paths as users write them, and atomic writes: whole or not at all.

What is written stands beside its place under another name, and is then renamed.
"""

import contextlib
import errno
import json
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

# Errors of `atomic_folder` where another process wrote the place meanwhile.
TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


def expand(path: str | os.PathLike) -> pathlib.Path:
    """Makes a path of what a user wrote: `~` and `~user` become home folders.

    Shells leave the `~` of `--workdir=~/runs` as it is. What is called `~` itself is
    `./~`, and a `~name` of no user is a name like others; both come as absolute paths,
    so that a second expansion changes nothing.
    """
    expanded = pathlib.Path(os.path.expanduser(path))
    return expanded.absolute() if str(expanded).startswith("~") else expanded


def is_free(path: pathlib.Path) -> bool:
    """Whether nothing is at a path, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


@contextlib.contextmanager
def atomic_file(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """A context with a path to write to, which is renamed to `path` at its end.

    If the context raises, an older file at `path` is left as it was.

    Raises:
      OSError: if the file cannot be written.
    """
    path = expand(path).absolute()
    part = _beside(path)
    try:
        yield part
        fsync(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """A context with a new folder to write to, which is renamed to `path` at its end.

    An empty folder at `path`, or where a link leads, is replaced; one that holds files
    is left as it was.

    Raises:
      OSError: if the folder cannot be written, or something is at `path` by the end.
    """
    path = expand(path).resolve()
    part = _beside(path)
    part.mkdir(parents=True)
    try:
        yield part
        for place in (*part.rglob("*"), part):
            fsync(place)
        part.rename(path)
        fsync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _beside(path: pathlib.Path) -> pathlib.Path:
    """A new name: what a killed process left behind may have its process number."""
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a text file in UTF-8, atomically.

    Raises:
      OSError: if the file cannot be written.
    """
    with atomic_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | pathlib.Path, values: Mapping[str, Any]) -> None:
    """Writes {key: value} as a JSON file, atomically.

    Raises:
      OSError: if the file cannot be written.
    """
    write_text(path, json.dumps(values, indent=2) + "\n")


def finite(value: Any) -> Any:
    """Makes a value that JSON has: NaN and infinity become None, NumPy's Python's.

    Args:
      value: a number, a text, or lists, tuples and dictionaries of them, in any depth.
    """
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def fsync(path: str | pathlib.Path) -> None:
    """Waits until a file or folder is on the disk, so that it survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
