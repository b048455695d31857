"""Plots of numbers with their intervals, legible at a card's width of 250 pixels."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jem_tf.figures import lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.2  # inches; text is as large as the page's at a card's width
LEAST_OF_LINE = 3  # points
COLOURS = tuple(f"tab:{name}" for name in "blue red green purple orange brown".split())
MARKS, CURVE_MARKS = "oDs^", "ooooooDDDDDDssssss"  # of a curve, of six colours each
LONG, LINE = 20, 0.17  # letters of a name that has a legend's line alone; its inches
APART = 0.22  # rows, between the points of two series


class Estimate(NamedTuple):
    """A number and its interval; low = high = value where none was measured."""

    value: float
    low: float
    high: float


def rows(
    names: Sequence[str],
    series: Mapping[str, Sequence[Estimate | None]],
    label: str,
    chance: float,
    *,
    width: float = WIDTH,
) -> "Figure":
    """Plots a row for each thing, with a point for each series that has it.

    Args:
      names: [n], of the things, as `lettering.drawable` makes them.
      series: {name: [n], Estimate or None}.
      label: what the numbers are.
      chance: a vertical line marks it.
      width: in inches.
    """
    figure, axes = _axes(0.24 * len(names) + 1.0, width)
    for index, (name, estimates) in enumerate(series.items()):
        shift = APART * (index - (len(series) - 1) / 2)
        having = [(at + shift, e) for at, e in enumerate(estimates) if e is not None]
        value, low, high = np.array([estimate for _, estimate in having]).T
        axes.errorbar(
            value,
            [at for at, _ in having],
            xerr=np.maximum([value - low, high - value], 0),
            fmt=MARKS[index % len(MARKS)],
            color=COLOURS[index % len(COLOURS)],
            markersize=4,
            linewidth=1.2,
            label=name,
        )
    axes.axvline(chance, color="grey", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(names)), names, **lettering.style(names))
    axes.set(xlabel=label, ylim=(len(names) - 0.5, -0.5))
    if len(series) > 1:
        _legend(figure, 2)
    return figure


def curves(
    lines: Mapping[str, Sequence[tuple[float, Estimate]]], x_label: str, chance: float
) -> "Figure":
    """Plots lines between 0 and 1 over a common axis, with their intervals.

    Fewer than three points are not joined: a line would tell more than was measured.

    Args:
      lines: {name: [(x, Estimate)]}.
      x_label: what x is.
      chance: accuracy by chance; a horizontal line marks it.
    """
    columns = 1 if max(map(len, lines)) > LONG else 2
    figure, axes = _axes(2.1 + LINE * -(-(len(lines) + 1) // columns))
    for (name, points), colour, mark in zip(
        lines.items(), itertools.cycle(COLOURS), itertools.cycle(CURVE_MARKS)
    ):
        x = [at for at, _ in points]
        value, low, high = np.array([estimate for _, estimate in points]).T
        style: dict[str, Any] = {"color": colour, "label": name, "markersize": 4}
        if len(points) < LEAST_OF_LINE:
            ends = np.maximum([value - low, high - value], 0)
            axes.errorbar(x, value, ends, fmt=mark, capsize=3, linewidth=1, **style)
            continue
        axes.plot(x, value, marker=mark, **style)
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    style = {"color": "grey", "linewidth": 0.8, "linestyle": "--"}
    axes.axhline(chance, label="accuracy by chance", **style)
    axes.set(xlabel=x_label, ylim=(-0.02, 1.02))
    _legend(figure, columns)
    return figure


def _legend(figure: "Figure", columns: int) -> None:
    style = {"frameon": False, "fontsize": "small", "columnspacing": 1}
    figure.legend(loc="outside upper center", handlelength=1.2, ncols=columns, **style)


def _axes(height: float, width: float = WIDTH) -> "tuple[Figure, Axes]":
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")
    return figure, axes
