"""Files that are written whole or not at all: beside their place, then renamed."""

import contextlib
import json
import os
import pathlib
import shutil


@contextlib.contextmanager
def whole(path):
    """Gives a path to write to, which becomes `path` when the context ends well."""
    path = pathlib.Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        to_disk(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path):
    """The same for a folder, which is made; one that is there and not empty stays.

    Raises:
      OSError: if it cannot be written, or something is at `path` by the end.
    """
    path = pathlib.Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        yield part
        for place in (*part.rglob("*"), part):
            to_disk(place)
        part.rename(path)
        to_disk(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(path, text):
    """Writes a text file."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path, values):
    """Writes {key: value} as JSON."""
    write(path, json.dumps(values, indent=2) + "\n")


def to_disk(path):
    """Waits until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
