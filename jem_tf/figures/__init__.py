"""Figures: grids of images, and plots of numbers, saved as PNG files.

    plots            plots of numbers, as matplotlib figures
    calibration_plots  calibration by class, and by the severity of a corruption
    training_curves  numbers over training steps
    card_plots       numbers with intervals, legible at a card's width
    panels           grids of panels whose last row may be short
    captioned_grids  images with captions, as matplotlib figures
    lettering        names as they are: no mathematics, fonts that have their letters

This module has `tile` and `picture`, which make one grid of images, `save`, which
writes it, and `save_plot`, which writes a matplotlib figure.

This folder imports `jem_tf.pixels`, `jem_tf.errors`, `jem_tf.metrics` and
`jem_tf.system` alone. Its functions take arrays. They import Matplotlib and Pillow when
they are called.
"""

import math
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from jem_tf import pixels
from jem_tf.errors import InputError, argument, whole_number
from jem_tf.system import files

if TYPE_CHECKING:
    import matplotlib.figure
    import PIL.Image


def tile(images: np.ndarray, *, columns: int | None = None) -> np.ndarray:
    """Lays images out in a grid, with one white pixel between them.

    Args:
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1]; N at least 1. One
        image [H, W, C] is a grid of one.
      columns: images in a row, at least 1; about the square root of N if None.

    Returns:
      uint8 [rows * (H + 1) - 1, columns * (W + 1) - 1, C].

    Raises:
      InputError: if the images are of another shape, or columns are none.
    """
    images = np.asarray(images)
    images = images[None] if images.ndim == 3 else images
    if images.ndim != 4 or not images.size:
        raise InputError(
            f"{argument('images')} are of shape {list(images.shape)}; give at least "
            "one image, [N, H, W, C]."
        )
    if images.dtype != np.uint8:
        images = pixels.to_uint8(pixels.to_float32(images)).numpy()
    n, height, width, channels = images.shape
    square = math.ceil(math.sqrt(n))
    columns = square if columns is None else whole_number("columns", columns, 1)
    rows = math.ceil(n / columns)
    cells = np.full([rows * columns, height + 1, width + 1, channels], 255, "uint8")
    cells[:n, :height, :width] = images
    grid = cells.reshape(rows, columns, height + 1, width + 1, channels).swapaxes(1, 2)
    return grid.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]


def picture(
    images: np.ndarray, *, least_size: int = 640, columns: int | None = None
) -> "PIL.Image.Image":
    """Makes a picture of the grid that `tile` lays out.

    Args:
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1], C = 1 or 3.
      least_size: the least number of pixels of the longer side. A smaller grid is
        enlarged by a whole factor.
      columns: as in `tile`.

    Raises:
      InputError: as `tile` does, or if C is another.
    """
    from PIL import Image

    grid = tile(images, columns=columns)
    if grid.shape[-1] not in (1, 3):
        raise InputError(
            f"{argument('images')} have {grid.shape[-1]} channels; give 1 or 3."
        )
    factor = math.ceil(least_size / max(grid.shape[:2]))
    grid = grid.repeat(factor, axis=0).repeat(factor, axis=1)
    return Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid)


def save(
    path: str | pathlib.Path,
    images: np.ndarray,
    *,
    least_size: int = 640,
    columns: int | None = None,
) -> None:
    """Saves the `picture` of images as a PNG.

    Args:
      path: of the file, which is replaced if there is one.
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1], C = 1 or 3.
      least_size: as in `picture`.
      columns: as in `tile`.

    Raises:
      OSError: if the file cannot be written. An older one is then left as it was.
    """
    image = picture(images, least_size=least_size, columns=columns)
    with files.atomic_file(path) as part:
        image.save(part, "PNG")


def save_plot(path: str | pathlib.Path, figure: "matplotlib.figure.Figure") -> None:
    """Saves a matplotlib figure as a PNG at 200 dots an inch.

    Args:
      path: of the file, which is replaced if there is one.
      figure: from `plots` or `captioned_grids`.

    Raises:
      OSError: if the file cannot be written. An older one is then left as it was.
    """
    from jem_tf.figures import lettering

    with files.atomic_file(path) as part, lettering.quiet_fonts():
        figure.savefig(part, format="png", dpi=200)
