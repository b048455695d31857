"""A picture file or a drawing that the page sent, in the size of a model."""

import io
import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np

from jem_tf.datasets import image_conversion, picture_files
from jem_tf.datasets.picture_files import UnreadableError

MOST_PIXELS = 40_000_000  # a few KB may decode to any number of them


class TooManyPixelsError(Exception):
    """A picture has more than MOST_PIXELS; the message says so in a sentence."""


def read_upload(content: bytes) -> picture_files.Picture:
    """Reads the bytes of a picture file.

    Raises:
      TooManyPixelsError: if its header names more than MOST_PIXELS.
      UnreadableError: as `picture_files.read_picture` does.
    """
    _check_pixels(content)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "picture"
        path.write_bytes(content)
        return picture_files.read_picture(path)


def warn(picture: picture_files.Picture) -> str:
    """What the page says of a picture before anything else; empty if nothing."""
    if not picture.nearly_black:
        return ""
    return f"This picture uses {picture_files.NEARLY_BLACK_SAYS}."


def to_model_size(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Converts uint8 [h, w, 3] to the model's size and channels: uint8 [H, W, C].

    Raises:
      UnreadableError: if the model's images are neither grey nor RGB.
    """
    try:
        return image_conversion.convert_images([picture], shape)[0][0]
    except ValueError as error:
        raise UnreadableError(str(error)) from error


def _check_pixels(content: bytes) -> None:
    """Reads the header alone; what is no picture passes."""
    from PIL import Image

    try:
        with picture_files.open_picture(io.BytesIO(content)) as picture:
            width, height = picture.size
    except Image.DecompressionBombError as error:  # more than Pillow opens
        raise _too_many("more") from error
    except Exception:  # whatever Pillow raises on damaged files
        return
    if width * height > MOST_PIXELS:
        raise _too_many(f"{width} x {height} pixels, more")


def _too_many(pixels: str) -> TooManyPixelsError:
    return TooManyPixelsError(
        f"This picture has {pixels} than {MOST_PIXELS // 10**6} megapixels; give a "
        "smaller one."
    )
