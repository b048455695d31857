"""Puts a drawing where the pictures of the training have their ink.

Handwritten digits of a data set all have one size and stand in the middle. A drawing on
the page may be small and in a corner: it is moved and scaled, both sides alike.
"""

from typing import NamedTuple

import numpy as np

from jem_tf.datasets import image_conversion
from jem_tf.errors import InputError

INK = 64  # grey levels from which a pixel is ink, on black
SIDE = 256  # pixels of the framed drawing's longer side


class InkBox(NamedTuple):
    """Where most pictures have ink, as shares of their height and width."""

    top: float
    bottom: float
    left: float
    right: float


def ink_box(images: np.ndarray) -> InkBox:
    """Finds the rows and columns in which at least half of the images have ink.

    Args:
      images: uint8 [N, H, W, C], bright ink on black. All of the picture counts if no
        row or column has ink in half of them.
    """
    ink: np.ndarray = np.any(np.asarray(images) >= INK, axis=-1)
    return InkBox(*_inked(np.any(ink, axis=2)), *_inked(np.any(ink, axis=1)))


def frame_drawing(drawing: np.ndarray, box: InkBox) -> np.ndarray:
    """Moves and scales the ink of a drawing into the middle of a box.

    Args:
      drawing: uint8 [h, w, 3], bright ink on black.
      box: where the ink is to be.

    Returns:
      uint8 [SIDE, SIDE, 3].

    Raises:
      InputError: if there is no ink.
    """
    inked = np.argwhere((drawing >= INK).any(axis=-1))
    if not len(inked):
        raise InputError("The drawing is empty; draw something.")
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0) + 1
    ink = drawing[top:bottom, left:right]
    room = np.array([box.bottom - box.top, box.right - box.left]) * SIDE
    scale = min(room / ink.shape[:2])
    height, width = (max(1, round(scale * side)) for side in ink.shape[:2])
    framed = np.zeros([SIDE, SIDE, 3], "uint8")
    row = round((box.top + box.bottom) / 2 * SIDE - height / 2)
    column = round((box.left + box.right) / 2 * SIDE - width / 2)
    framed[row : row + height, column : column + width] = image_conversion.resize(
        ink, (height, width)
    )
    return framed


def _inked(lines: np.ndarray) -> tuple[float, float]:
    """Begin and end, as shares, of the rows or columns bool [N, L] that have ink."""
    usual = np.flatnonzero(lines.mean(axis=0) >= 0.5)
    first, last = (usual[0], usual[-1]) if len(usual) else (0, lines.shape[1] - 1)
    return first / lines.shape[1], (last + 1) / lines.shape[1]
