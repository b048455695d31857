"""The image to inpaint, and the mask of its free pixels, which are painted.

Shapes: an image is float32 [H, W, C] in [-1, 1], a mask is bool [H, W, 1] and True at
free pixels.
"""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from jem_tf import pixels
from jem_tf.datasets import Dataset, image_conversion, picture_files
from jem_tf.errors import InputError, argument
from jem_tf.system import files

TEST = "test:"
MASKS = "X0,Y0,X1,Y1, left, right, top, bottom, half or a picture"


def read_image(
    name: str, shape: Sequence[int], data: Callable[[], Dataset]
) -> np.ndarray:
    """Reads an image by its name.

    Args:
      name: "test:INDEX", or a picture's path. It is laid over white where it is
        transparent.
      shape: (H, W, C) of the model's images.
      data: loads the run's data set; called only for "test:INDEX".

    Returns:
      float32 [H, W, C] in [-1, 1].

    Raises:
      InputError: if there is no such image, or it is unreadable, of another size, or
        of channels that cannot be made the model's.
    """
    if name.startswith(TEST):
        images, index = data().test.images, name.removeprefix(TEST)
        if not (index.isdecimal() and len(index) < 10 and int(index) < len(images)):
            raise InputError(
                f"{argument('image', name)}: the test images are 0 to "
                f"{len(images) - 1}."
            )
        return pixels.from_uint8(images[int(index)]).numpy()
    picture = _read_picture("image", name, shape)
    try:
        image = image_conversion.to_channels(picture.over_white(), shape[-1])
    except ValueError as error:
        raise InputError(
            f"{argument('image', name)} has {error}, as the run's images have; take "
            "test:0."
        ) from error
    return pixels.from_uint8(image).numpy()


def read_mask(name: str, shape: Sequence[int]) -> np.ndarray:
    """Reads the mask of free pixels.

    Args:
      name: "X0,Y0,X1,Y1", a rectangle from column X0 to before X1, from row Y0 to
        before Y1; "left", "right", "top" or "bottom", that half; "half", every other
        pixel as on a chessboard; or the path of a picture, free where it is white, or,
        if it has transparent pixels, where it is opaque.
      shape: (H, W, C) of the image.

    Returns:
      bool [H, W, 1], True at free pixels.

    Raises:
      InputError: if `name` is none of these, a rectangle does not lie in the image, or
        no pixel is free.
    """
    height, width = shape[:2]
    rows, columns = np.mgrid[:height, :width]
    halves = {
        "left": columns < width // 2,
        "right": columns >= width // 2,
        "top": rows < height // 2,
        "bottom": rows >= height // 2,
        "half": (rows + columns) % 2 == 1,
    }
    if name in halves:
        free = halves[name]
    elif (corners := _parse_corners(name)) is not None:
        free = _rectangle(name, corners, rows, columns)
    else:
        free = _painted(name, _read_picture("mask", name, shape))
    if not free.any():
        raise InputError(
            f"{argument('mask', name)} has no white: nothing is left to paint."
        )
    return free[..., None]


def _painted(name: str, mask: picture_files.Picture) -> np.ndarray:
    """bool [H, W]: where a mask is opaque, or white if it is opaque everywhere."""
    if mask.alpha.min() < 255:
        if mask.alpha.max() <= 127:
            raise InputError(
                f"{argument('mask', name)} has nothing opaque: nothing is left to "
                "paint."
            )
        return mask.alpha[..., 0] > 127
    return image_conversion.to_channels(mask.rgb, 1)[..., 0] > 127


def _parse_corners(name: str) -> list[int] | None:
    """Parses four whole numbers with commas between them; None if it is not that."""
    try:
        corners = [int(word) for word in name.split(",")]
    except ValueError:
        return None
    return corners if len(corners) == 4 else None


def _rectangle(
    name: str, corners: list[int], rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    left, top, right, bottom = corners
    height, width = rows.shape
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError(
            f"{argument('mask', name)} is empty or not within the image; give "
            f"0 <= X0 < X1 <= {width} and 0 <= Y0 < Y1 <= {height}."
        )
    within = (left <= columns) & (columns < right)
    return within & (top <= rows) & (rows < bottom)


def _read_picture(
    name: str, path: str | pathlib.Path, shape: Sequence[int]
) -> picture_files.Picture:
    """Reads a picture of the model's size."""
    given = argument(name, path)
    try:
        picture = picture_files.read_picture(files.expand(path))
    except picture_files.UnreadableError as error:
        kinds = MASKS if name == "mask" else "a picture or test:0"
        raise InputError(
            f"{given} ({error}) is not a readable picture; it must be {kinds}."
        ) from error
    height, width = picture.rgb.shape[:2]
    if (height, width) != tuple(shape[:2]):
        raise InputError(
            f"{given} is {width} x {height} pixels; the run's images are "
            f"{shape[1]} x {shape[0]}: resize it."
        )
    return picture
