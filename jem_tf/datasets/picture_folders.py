"""Folders of pictures in any format that Pillow reads, with or without classes."""

import os
import pathlib
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from jem_tf.errors import InputError, argument

DEFAULT_SIZE = 32


def read_folder(
    name: str, image_size: int = 0
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[str]]:
    """Reads PATH/<class>/* as RGB and resizes the pictures to one size.

    Hidden files and folders are left out.

    Args:
      name: "folder:PATH".
      image_size: S, pixels a side; 0: 32.

    Returns:
      ({"train": (images uint8 [N, S, S, 3], labels int [N])}, class names in alphabetic
      order).

    Raises:
      InputError: if there are not at least two classes with a picture each, or one is
        unreadable.
    """
    given, root = argument("name", name), _path(name)
    try:
        if not root.is_dir():
            raise InputError(
                f"{given} is not a folder; give one with a folder of pictures per "
                "class."
            )
        classes = sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] != ".")
        files = [sorted(_files(folder)) for folder in classes]
    except OSError as error:
        raise InputError(f"{given} is not readable: {error.strerror}.") from error
    if len(classes) < 2:
        raise InputError(
            f"{given} holds {len(classes)} class folders; at least two are needed."
        )
    for folder, pictures in zip(classes, files, strict=True):
        if not pictures:
            raise InputError(f"{given}: {folder} holds no pictures; add some.")
    size = image_size or DEFAULT_SIZE
    images = [_read(file, name, size) for pictures in files for file in pictures]
    labels = np.repeat(np.arange(len(classes)), [len(pictures) for pictures in files])
    return {"train": (np.stack(images), labels)}, [folder.name for folder in classes]


def read_pictures(name: str, limit: int = 0) -> list[np.ndarray]:
    """Reads the pictures in a folder and the folders inside it as RGB.

    Args:
      name: "folder:PATH".
      limit: the largest number of pictures, evenly over their sorted names; 0: all.

    Returns:
      [uint8 [H, W, 3], ...], each of its own size.

    Raises:
      InputError: if there is no picture, or one is unreadable.
    """
    given = argument("name", name)
    try:
        files = sorted(_files(_path(name)))
    except OSError as error:
        raise InputError(f"{given} is not readable: {error.strerror}.") from error
    if not files:
        raise InputError(f"{given} holds no pictures; name a folder that does.")
    count = min(limit or len(files), len(files))
    chosen = np.linspace(0, len(files) - 1, count).round().astype(int)
    return [_read(files[i], name) for i in chosen]


def _path(name: str) -> pathlib.Path:
    return pathlib.Path(name.removeprefix("folder:")).expanduser()


def _read(file: pathlib.Path, name: str, size: int = 0) -> np.ndarray:
    """Reads a picture as uint8 [size, size, 3]; in its own size if `size` is 0."""
    from PIL import Image

    try:
        with Image.open(file) as picture:
            rgb = picture.convert("RGB")
            if size:
                rgb = rgb.resize((size, size), Image.Resampling.BILINEAR)
            return np.asarray(rgb)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{argument('name', name)}: {file} is not a readable picture; remove it."
        ) from error


def _files(root: pathlib.Path) -> Iterator[pathlib.Path]:
    """All files below a folder except hidden ones."""
    for folder, _, names in os.walk(root, onerror=_raise):
        yield from (pathlib.Path(folder, name) for name in names if name[0] != ".")


def _raise(error: OSError) -> NoReturn:
    raise error
