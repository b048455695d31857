"""A plot of numbers of several things in a few groups, with intervals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS, MARKS = ("tab:blue", "tab:red", "tab:green"), ("o", "D", "s")
APART = 0.2  # rows, between the points of two groups


class Point(NamedTuple):
    """A number in [0, 1] and its interval [low, high]."""

    value: float
    interval: Sequence[float]


def points(groups: Mapping[str, Mapping[str, Point]], label: str) -> "Figure":
    """Plots a row for each thing, with a point for each group.

    Args:
      groups: {group: {thing: Point}}, at most three groups of the same things.
      label: what the numbers are.
    """
    import matplotlib.figure

    names = list(next(iter(groups.values())))
    size = (5.4, 0.34 * len(names) + 1.2)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(names))
    for index, (group, numbers) in enumerate(groups.items()):
        values = np.array([numbers[name].value for name in names])
        low, high = np.array([numbers[name].interval for name in names]).T
        axes.errorbar(
            values,
            rows + APART * (index - (len(groups) - 1) / 2),
            xerr=np.maximum([values - low, high - values], 0),
            fmt=MARKS[index],
            color=COLOURS[index],
            markersize=5,
            linewidth=1.2,
            label=group,
        )
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle="--")
    axes.set_yticks(rows, names)
    axes.set(xlabel=label, xlim=(min(0.4, axes.get_xlim()[0]), 1.0))
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(groups), frameon=False)
    return figure
