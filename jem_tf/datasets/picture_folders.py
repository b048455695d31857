"""A folder of pictures a class, in any format that Pillow reads."""

import os
import pathlib

import numpy as np

from jem_tf.errors import InputError

DEFAULT_SIZE = 32


def load(path, image_size=0):
    """Reads PATH/<class>/*, as RGB, resized to image_size (0: 32) pixels a side.

    Hidden files and folders are passed over.

    Returns:
      ({"train": (images uint8 [N, S, S, 3], labels int [N])}, class names in alphabetic
      order).

    Raises:
      InputError: if there are not at least two classes with a picture each, or one is
        unreadable.
    """
    flag, root = f"--dataset=folder:{path}", pathlib.Path(path).expanduser()
    try:
        if not root.is_dir():
            raise InputError(f"{flag} is not a folder; give one of pictures a class.")
        classes = sorted(p for p in root.iterdir() if p.is_dir() and not _hidden(p))
        files = [sorted(_files(place)) for place in classes]
    except OSError as error:
        raise InputError(f"{flag} is not readable: {error.strerror}.") from error
    if len(classes) < 2:
        raise InputError(f"{flag} holds {len(classes)} class folders; it takes two.")
    for place, own in zip(classes, files, strict=True):
        if not own:
            raise InputError(f"{flag}: {place} holds no pictures; add some.")
    size = image_size or DEFAULT_SIZE
    images = [_picture(file, size, flag) for own in files for file in own]
    labels = np.repeat(np.arange(len(classes)), [len(own) for own in files])
    return {"train": (np.stack(images), labels)}, [place.name for place in classes]


def pictures(name, most=0):
    """All pictures in a folder and the folders within, as RGB and in their sizes.

    Args:
      name: "folder:PATH".
      most: how many at most, evenly over their sorted names; 0: all.

    Returns:
      [uint8 [H, W, 3], ...].

    Raises:
      InputError: if there is none, or one is unreadable.
    """
    flag = f"--sets={name}"
    root = pathlib.Path(name.removeprefix("folder:")).expanduser()
    try:
        files = sorted(_files(root))
    except OSError as error:
        raise InputError(f"{flag} is not readable: {error.strerror}.") from error
    if not files:
        raise InputError(f"{flag} holds no pictures; name a folder that does.")
    most = min(most or len(files), len(files))
    chosen = np.linspace(0, len(files) - 1, most).round().astype(int)
    return [_picture(files[i], None, flag) for i in chosen]


def _picture(file, size, flag):
    from PIL import Image

    try:
        with Image.open(file) as picture:
            picture = picture.convert("RGB")
            if size:
                picture = picture.resize((size, size), Image.Resampling.BILINEAR)
            return np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{flag}: {file} is not a readable picture; remove it."
        ) from error


def _files(place):
    for folder, _, names in os.walk(place, onerror=_raise):
        yield from (pathlib.Path(folder, name) for name in names if name[0] != ".")


def _raise(error):
    raise error


def _hidden(path):
    return path.name.startswith(".")
