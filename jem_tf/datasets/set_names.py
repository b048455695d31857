"""What the name of a data set says: a folder, or a set of TFDS with what belongs to it.

    folder:PATH                    a folder of pictures; `~` is a home folder
    NAME, NAME/CONFIG:VERSION      a set of TFDS, whose base name is NAME

This module reads names alone, not the disk.
"""

import pathlib
import re

from jem_tf.system import files

ALIASES = {"svhn": "svhn_cropped"}  # {our name: TFDS's}
FOLDER = "folder:"
# A namespace and its colon may stand before a name; a version has digits there.
_NAME = re.compile(r"(?:[A-Za-z]\w*:(?=[A-Za-z]))?(\w+)")


def folder_of(name: str) -> pathlib.Path | None:
    """Returns the path in "folder:PATH", or None for another set."""
    if not name.startswith(FOLDER):
        return None
    return files.expand(name.removeprefix(FOLDER))


def without_place(name: str) -> str:
    """Returns a set's name without the path of a folder: "folder:flowers"."""
    folder = folder_of(name)
    return name if folder is None else f"{FOLDER}{folder.name}"


def base_name(name: str) -> str:
    """Returns a set's name without configuration, version and range, as TFDS has it.

    "emnist/letters:3.1.0" is an "emnist", "MNIST" an "mnist", "svhn" an "svhn_cropped".
    A folder is only itself: what "folder:PATH" is called says nothing of its pictures.
    """
    if name.startswith(FOLDER) or not (match := _NAME.match(name)):
        return name
    base = match[1].lower()
    return ALIASES.get(base, base)


def without_version(name: str) -> str:
    """Returns a set's name as TFDS spells it, without its version.

    "EMNIST/letters:3.1.0" is "emnist/letters". A folder is only itself.
    """
    if name.startswith(FOLDER) or not (match := _NAME.match(name)):
        return name
    config = re.match(r"/([A-Za-z]\w*)", name[match.end() :])
    return base_name(name) + (config[0] if config else "")


def in_tfds(name: str) -> str:
    """Returns the name by which TFDS knows a set: our aliases replaced."""
    base = re.split("[/:]", name, maxsplit=1)[0]
    return ALIASES.get(base, base) + name[len(base) :]
