"""A folder of pictures a class, in any format that Pillow reads."""

import pathlib

import numpy as np

from jem_tf.errors import InputError

DEFAULT_SIZE = 32


def load(path, image_size=0):
    """Reads PATH/<class>/*, as RGB, resized to image_size (0: 32) pixels a side.

    Returns:
      ({"train": (images uint8 [N, S, S, 3], labels int [N])}, class names in alphabetic
      order).

    Raises:
      InputError: if there are not at least two classes with a picture each, or one is
        unreadable.
    """
    from PIL import Image

    root, size = pathlib.Path(path).expanduser(), image_size or DEFAULT_SIZE
    if not root.is_dir():
        raise InputError(
            f"--dataset=folder:{path} is not a folder; give one of pictures a class."
        )
    try:
        classes = sorted(place for place in root.iterdir() if place.is_dir())
        files = {
            place: sorted(f for f in place.rglob("*") if f.is_file())
            for place in classes
        }
    except OSError as error:
        raise InputError(
            f"--dataset=folder:{path} is not readable: {error.strerror}."
        ) from error
    if len(classes) < 2:
        raise InputError(
            f"--dataset=folder:{path} holds {len(classes)} class folders; it takes "
            "two or more."
        )
    images, labels = [], []
    for label, place in enumerate(classes):
        if not files[place]:
            raise InputError(
                f"--dataset=folder:{path}: {place} holds no pictures; add some."
            )
        for file in files[place]:
            try:
                with Image.open(file) as picture:
                    picture = picture.convert("RGB").resize(
                        (size, size), Image.Resampling.BILINEAR
                    )
                    images.append(np.asarray(picture))
            except (
                OSError,
                ValueError,
                SyntaxError,
                Image.DecompressionBombError,
            ) as error:
                raise InputError(
                    f"--dataset=folder:{path}: {file} is not a readable "
                    "picture; remove it."
                ) from error
            labels.append(label)
    return {"train": (np.stack(images), np.array(labels))}, [
        place.name for place in classes
    ]
