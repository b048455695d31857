"""Pictures of pictures."""

import math

import numpy as np

from jem_tf import datasets
from jem_tf.system import files


def tile(images, *, columns=None):
    """Lays images side by side, a white pixel between them.

    Args:
      images: float [N, H, W, C] in [-1, 1].
      columns: how many in a row; about the square root of N if None.

    Returns:
      uint8 [rows * (H + 1) - 1, columns * (W + 1) - 1, C].
    """
    images = np.asarray(images, "float32")
    n, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    cells = np.full([rows * columns, height + 1, width + 1, channels], 255, "uint8")
    cells[:n, :height, :width] = datasets.eight_bit(images)
    grid = cells.reshape(rows, columns, height + 1, width + 1, channels).swapaxes(1, 2)
    return grid.reshape(rows * (height + 1), columns * (width + 1), channels)[:-1, :-1]


def picture(images, *, least_size=640, columns=None):
    """`tile` of the images as a PIL.Image at least `least_size` pixels large."""
    from PIL import Image

    grid = tile(images, columns=columns)
    factor = math.ceil(least_size / max(grid.shape[:2]))
    grid = grid.repeat(factor, axis=0).repeat(factor, axis=1)
    return Image.fromarray(grid[..., 0] if grid.shape[-1] == 1 else grid)


def save(path, images, *, least_size=640, columns=None):
    """Saves `picture` of the images as a PNG."""
    image = picture(images, least_size=least_size, columns=columns)
    with files.whole(path) as part:
        image.save(part, "PNG")


def save_plot(path, figure):
    """Saves a matplotlib figure as a PNG, at 200 dots an inch."""
    with files.whole(path) as part:
        figure.savefig(part, format="png", dpi=200)
