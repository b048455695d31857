"""Grids of panels that share their x axis, where the last row may be short."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def hide_spare(panels: "np.ndarray", used: int) -> None:
    """Hides the panels behind the first `used`; the lowest ones show numbers on x.

    Matplotlib numbers the last row alone, and so leaves out panels above a hidden one.

    Args:
      panels: of matplotlib's axes, [rows, columns].
      used: how many panels show something.
    """
    for axes in panels.flat[used:]:
        axes.set_visible(False)
    for axes in panels.flat[max(0, used - panels.shape[1]) : used]:
        axes.tick_params(labelbottom=True)
