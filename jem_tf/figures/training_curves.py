"""A plot of numbers over training steps, a panel for each quantity."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jem_tf.figures import panels as panel_grids

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 40  # points of a line that are marked


def panels(
    curves: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]], x_label: str
) -> "Figure":
    """Plots a panel for each quantity, with its lines over a common axis.

    Args:
      curves: {what a panel shows, with its unit: {name of a line: [(x, y)]}}.
      x_label: what x counts.
    """
    import matplotlib.figure

    columns = min(2, len(curves))
    rows = -(-len(curves) // columns)
    size = (4.4 * columns, 2.5 * rows)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for axes, (title, lines) in zip(grid.flat, curves.items(), strict=False):
        for name, points in lines.items():
            x, y = zip(*points, strict=True)
            marker = "o" if len(points) <= FEW else ""
            axes.plot(x, y, label=name, marker=marker, markersize=3, linewidth=1.2)
        axes.set_title(title, fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            axes.legend(frameon=False, fontsize="small")
    panel_grids.hide_spare(grid, len(curves))
    figure.supxlabel(x_label, fontsize="medium")
    return figure
