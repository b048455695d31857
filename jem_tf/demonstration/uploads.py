"""A picture file or a drawing that the page sent, in the size of a model."""

import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np

from jem_tf.datasets import image_conversion, picture_files
from jem_tf.datasets.picture_files import UnreadableError


def read_upload(content: bytes) -> np.ndarray:
    """Reads the bytes of a picture file: uint8 [h, w, 3], laid over white.

    Raises:
      UnreadableError: as `picture_files.read_picture` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "picture"
        path.write_bytes(content)
        return picture_files.read_picture(path).over_white()


def to_model_size(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Converts uint8 [h, w, 3] to the model's size and channels: uint8 [H, W, C].

    Raises:
      UnreadableError: if the model's images are neither grey nor RGB.
    """
    try:
        return image_conversion.convert_images([picture], shape)[0][0]
    except ValueError as error:
        raise UnreadableError(str(error)) from error
