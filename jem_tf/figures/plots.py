"""Plots of numbers, each a matplotlib figure that `figures.save_plot` saves."""

import collections

import numpy as np

# A line: x [n], y [n], intervals [n, 2], its name, which lines it belongs with, style.
Curve = collections.namedtuple("Curve", "x y intervals label group dashed")
RADIUS = {"linf": r"$L_\infty$ radius, 1/255", "l2": "$L_2$ radius, pixels in [0, 1]"}


def lines(values, x_label, y_label, label):
    """Lines [T, n] over their index, and their mean."""
    figure, axes = _axes(x_label, y_label)
    axes.plot(values, color="tab:blue", alpha=0.3, linewidth=0.6)
    axes.plot([], color="tab:blue", alpha=0.5, label=label)
    axes.plot(np.mean(values, axis=1), color="black", label="mean")
    axes.set(xlim=(0, len(values) - 1))
    axes.legend(frameon=False)
    return figure


def reliability(bins, error):
    """Accuracy against confidence by bins, and the gap between (the paper's figure 4).

    Args:
      bins: metrics.calibration.Bins.
      error: float, the ECE.
    """
    figure, axes = _axes("confidence", "accuracy", size=(4, 4))
    full = bins.counts > 0
    left, width = bins.edges[:-1][full], np.diff(bins.edges)[full]
    accuracy = bins.accuracy[full]
    axes.bar(left, accuracy, width, align="edge", color="tab:blue", ec="white")
    gap = bins.confidence[full] - accuracy
    axes.bar(
        left,
        gap,
        width,
        accuracy,
        align="edge",
        color="tab:red",
        alpha=0.3,
        ec="tab:red",
        hatch="//",
        label="gap",
    )
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=f"ECE {error:.2%}")
    axes.legend(frameon=False, loc="upper left")
    return figure


def confidences(bins, accuracy):
    """The share of images by confidence, its mean, and the accuracy.

    Args:
      bins: metrics.calibration.Bins.
      accuracy: float in [0, 1].
    """
    figure, axes = _axes("confidence", "share of images", size=(4, 4))
    share, full = bins.counts / bins.counts.sum(), bins.counts > 0
    width = np.diff(bins.edges)
    axes.bar(bins.edges[:-1], share, width, align="edge", color="tab:blue", ec="white")
    mean = np.sum(share[full] * bins.confidence[full])
    line = {"linewidth": 1.5, "linestyle": "--"}
    axes.axvline(accuracy, color="black", label=f"accuracy {accuracy:.3f}", **line)
    axes.axvline(mean, color="tab:red", label=f"mean confidence {mean:.3f}", **line)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False, loc="upper left")
    return figure


def histograms(inside, outside, label):
    """A panel a set: the density of a score inside, and over it that of the set.

    As in the figures of the paper's Table 2.

    Args:
      inside: float [N] scores of in-distribution images.
      outside: {set: float [M] of its images}.
      label: of the score, with its unit.
    """
    import matplotlib.figure

    columns = min(4, len(outside))
    rows = -(-len(outside) // columns)
    size = (2.4 * columns + 0.4, 2.0 * rows + 0.4)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    edges = _edges([inside, *outside.values()])
    for axes, (name, values) in zip(panels, outside.items(), strict=False):
        for scores, colour, shown in (
            (inside, "tab:blue", "test images"),
            (values, "tab:red", name),
        ):
            axes.hist(
                np.clip(scores, edges[0], edges[-1]),
                edges,
                density=True,
                color=colour,
                alpha=0.5,
                label=shown,
            )
        axes.set(yticks=[], title=name)
        axes.spines[["top", "right", "left"]].set_visible(False)
    for axes in panels[len(outside) :]:
        axes.set_visible(False)
    figure.supxlabel(label, fontsize="medium")
    handles = figure.axes[0].get_legend_handles_labels()[0]
    figure.legend(
        handles,
        ["test images", "the set above"],
        loc="outside upper center",
        ncols=2,
        frameon=False,
    )
    return figure


def accuracy_under_attack(curves):
    """Accuracy against the radius of the attack, a panel a norm.

    Args:
      curves: {"linf" or "l2": [Curve]}; those of one `group` share a colour.
    """
    import matplotlib.figure

    size = (3.3 * len(curves) + 1.6, 3.2)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(curves), squeeze=False, sharey=True)[0]
    for axes, (norm, of) in zip(panels, curves.items(), strict=True):
        groups = list(dict.fromkeys(curve.group for curve in of))
        for curve in of:
            colour = f"C{groups.index(curve.group)}"
            style = {"linestyle": "--", "marker": "x"} if curve.dashed else {}
            style = {"marker": "o", "markersize": 4, "color": colour} | style
            axes.plot(curve.x, curve.y, label=curve.label, **style)
            low, high = np.transpose(curve.intervals)
            if not curve.dashed:
                axes.fill_between(curve.x, low, high, color=colour, alpha=0.12, lw=0)
        axes.set(xlabel=RADIUS[norm], ylim=(-0.02, 1.02), xlim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="accuracy")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside right center", frameon=False)
    return figure


def _edges(samples, bins=50):
    """Edges of bins over all but the outermost hundredths of any sample."""
    ends = [np.percentile(sample, [0.5, 99.5]) for sample in samples]
    low, high = np.min(ends), np.max(ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def _axes(x_label, y_label, size=(6.4, 3.6)):
    import matplotlib.figure

    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
