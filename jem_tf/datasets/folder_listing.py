"""The files and folders inside a folder, without what programs leave behind."""

import os
import pathlib
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

from jem_tf.datasets import picture_files

# What file systems and programs leave behind. Names that begin with a dot are too.
LEFTOVERS = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir"}
LEFTOVERS |= {"$recycle.bin", "#recycle", "system volume information", "lost+found"}
LEFTOVERS |= {"__pycache__"}


def list_pictures(
    root: pathlib.Path, *, deep: bool = True
) -> tuple[list[pathlib.Path], Counter[str]]:
    """Lists the files below a folder that are pictures by their names.

    Args:
      root: the folder.
      deep: whether to look into the folders inside it, linked ones too.

    Returns:
      (the pictures sorted, how many other files have which ending).
    """
    pictures, others = [], Counter[str]()
    for path in _files(root, deep):
        if picture_files.is_picture_name(path.name):
            pictures.append(path)
        else:
            others[path.suffix.lower() or "no ending"] += 1
    return sorted(pictures), others


def count_others(others: Counter[str]) -> str:
    """Says how many files are no pictures by their names, and which endings."""
    endings = ", ".join(f"{ending} {n}" for ending, n in others.most_common(5))
    return f"{others.total()} files that are no pictures by their names ({endings})"


def list_folders(root: pathlib.Path) -> list[pathlib.Path]:
    """Lists the folders in a folder, sorted; of its files it asks the disk nothing."""
    with os.scandir(root) as entries:
        names = [entry.name for entry in entries if _is_folder(entry)]
    return sorted(root / name for name in names if not _is_leftover(name))


def holds_pictures(root: pathlib.Path) -> bool:
    """Returns whether there is a picture by its name in a folder or below it."""
    return any(picture_files.is_picture_name(path.name) for path in _files(root))


def _files(root: pathlib.Path, deep: bool = True) -> Iterator[pathlib.Path]:
    """The files below a folder; each folder once, wherever links lead."""
    seen = set()
    for folder, folders, names in os.walk(root, onerror=_raise, followlinks=True):
        real = os.path.realpath(folder)
        new = real not in seen
        seen.add(real)
        folders[:] = [n for n in folders if deep and new and not _is_leftover(n)]
        if new:
            yield from (pathlib.Path(folder, n) for n in names if not _is_leftover(n))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    linked = entry.is_symlink() and pathlib.Path(entry.path).is_dir()
    return linked or entry.is_dir(follow_symlinks=False)


def _is_leftover(name: str) -> bool:
    return name.startswith(".") or name.lower() in LEFTOVERS


def _raise(error: OSError) -> NoReturn:
    raise error
