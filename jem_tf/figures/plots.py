"""Plots of numbers as matplotlib figures, which `figures.save_plot` saves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jem_tf.figures import lettering, panels
from jem_tf.metrics.calibration import Bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RADIUS = {"linf": r"$L_\infty$ radius, 1/255", "l2": "$L_2$ radius, pixels in [0, 1]"}

SET_LETTERS = 22  # of a set's name above a panel


class Curve(NamedTuple):
    """A line of `accuracy_under_attack`: accuracies at n radii."""

    x: Sequence[float]  # [n], radii in the unit that RADIUS names
    y: Sequence[float]  # [n], accuracies
    intervals: Sequence[Sequence[float]]  # [n] of [low, high]
    label: str
    group: Any  # curves of equal group share a colour
    dashed: bool


def lines(values: np.ndarray, x_label: str, y_label: str, label: str) -> "Figure":
    """Plots n lines over their index, and their mean.

    Args:
      values: float [T, n].
      x_label: what the index 0..T-1 counts.
      y_label: what the values are, with their unit.
      label: what one line is.
    """
    figure, axes = _axes(x_label, y_label)
    axes.plot(values, color="tab:blue", alpha=0.3, linewidth=0.6)
    axes.plot([], color="tab:blue", alpha=0.5, label=label)
    axes.plot(np.mean(values, axis=1), color="black", label="mean")
    axes.set(xlim=(0, len(values) - 1))
    axes.legend(frameon=False)
    return figure


def reliability_diagram(bins: Bins, error: float) -> "Figure":
    """Plots accuracy against confidence, and the gap between them (paper, figure 4).

    Args:
      bins: from `metrics.calibration.reliability`.
      error: the ECE.
    """
    figure, axes = _axes("confidence", "accuracy", size=(4, 4))
    full = bins.counts > 0
    left, width = bins.edges[:-1][full], np.diff(bins.edges)[full]
    accuracy = bins.accuracy[full]
    gap = bins.confidence[full] - accuracy
    axes.bar(left, accuracy, width, align="edge", color="tab:blue", ec="white")
    red: dict[str, Any] = {"color": "tab:red", "ec": "tab:red", "alpha": 0.3}
    axes.bar(left, gap, width, accuracy, align="edge", hatch="//", label="gap", **red)
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=f"ECE {error:.2%}")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def confidence_histogram(bins: Bins, accuracy: float) -> "Figure":
    """Plots the share of images in each bin of confidence.

    Two vertical lines mark the mean confidence and the accuracy.

    Args:
      bins: from `metrics.calibration.reliability`.
      accuracy: in [0, 1].
    """
    figure, axes = _axes("confidence", "share of images", size=(4, 4))
    share, full = bins.counts / bins.counts.sum(), bins.counts > 0
    width = np.diff(bins.edges)
    axes.bar(bins.edges[:-1], share, width, align="edge", color="tab:blue", ec="white")
    mean = np.sum(share[full] * bins.confidence[full])
    line: dict[str, Any] = {"linewidth": 1.5, "linestyle": "--"}
    axes.axvline(accuracy, color="black", label=f"accuracy {accuracy:.3f}", **line)
    axes.axvline(mean, color="tab:red", label=f"mean confidence {mean:.3f}", **line)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def histograms(
    inside: np.ndarray,
    outside: Mapping[str, np.ndarray],
    label: str,
    positives: str = "test images",
) -> "Figure":
    """Plots the densities of a score inside and outside, one panel for each set.

    The figures in the paper's Table 2 are like this.

    Args:
      inside: float [N] scores of in-distribution images.
      outside: {name of a set of outliers: float [M] scores of its images}.
      label: what the score is, with its unit.
      positives: what the in-distribution images are.
    """
    import matplotlib.figure

    legend = [positives, "the set above"]
    columns = min(4, len(outside))
    rows = -(-len(outside) // columns)
    size = (2.4 * columns + 0.4, 2.0 * rows + 0.4)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    edges = _edges([inside, *outside.values()])
    names = lettering.drawable(list(outside), what="set", width=SET_LETTERS)
    style = lettering.style(names)
    for axes, name, values in zip(grid.flat, names, outside.values(), strict=False):
        _density(axes, inside, edges, color="tab:blue", label=legend[0])
        _density(axes, values, edges, color="tab:red", label=legend[1])
        axes.set(yticks=[])
        axes.set_title(name, **style)
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels.hide_spare(grid, len(outside))
    figure.supxlabel(label, fontsize="medium")
    handles = figure.axes[0].get_legend_handles_labels()[0]
    figure.legend(handles, legend, loc="outside upper center", ncols=2, frameon=False)
    return figure


def accuracy_under_attack(curves: Mapping[str, Sequence[Curve]]) -> "Figure":
    """Plots accuracy against the radius of an attack, one panel for each norm.

    Args:
      curves: {"linf" or "l2": [Curve]}.
    """
    import matplotlib.figure

    size = (3.3 * len(curves) + 1.6, 3.2)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    grid = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for axes, (norm, norm_curves) in zip(grid, curves.items(), strict=True):
        groups = list(dict.fromkeys(curve.group for curve in norm_curves))
        for curve in norm_curves:
            _curve(axes, curve, colour=f"C{groups.index(curve.group)}")
        axes.set(xlabel=RADIUS[norm], ylim=(-0.02, 1.02), xlim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
    grid[0].set(ylabel="accuracy")
    handles = grid[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside right center", frameon=False)
    return figure


def _curve(axes: "Axes", curve: Curve, colour: str) -> None:
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "color": colour}
    if curve.dashed:
        style |= {"linestyle": "--", "marker": "x"}
    axes.plot(curve.x, curve.y, label=curve.label, **style)
    if not curve.dashed:
        low, high = np.transpose(curve.intervals)
        axes.fill_between(curve.x, low, high, color=colour, alpha=0.12, lw=0)


def _density(axes: "Axes", scores: np.ndarray, edges: np.ndarray, **style: Any) -> None:
    within = np.clip(_finite(scores), edges[0], edges[-1])
    if not within.size:
        return
    axes.hist(within, edges.tolist(), density=True, alpha=0.5, **style)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.asarray(values)[np.isfinite(values)]


def _edges(samples: Iterable[np.ndarray], bins: int = 50) -> np.ndarray:
    """Edges of bins that leave out half a percent at each end of every sample."""
    finite = [some for some in map(_finite, samples) if some.size]
    ends = [np.percentile(some, [0.5, 99.5]) for some in finite]
    if not ends:
        return np.linspace(0, 1, bins + 1)
    low, high = np.min(ends), np.max(ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def _axes(
    x_label: str, y_label: str, size: tuple[float, float] = (6.4, 3.6)
) -> "tuple[Figure, Axes]":
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
