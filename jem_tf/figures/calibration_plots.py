"""Plots of calibration: of every class, and by the severity of a corruption."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jem_tf.figures import lettering, panels
from jem_tf.metrics.calibration import Bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "accuracy": "accuracy",
    "ece": "ECE",
    "ece_temperature_scaled": "ECE, temperature-scaled",
}
ACROSS, LETTERS = 5, 20  # panels in a row, letters of a class above one
DASHES = ("-", "--", ":")  # of the lines of colours that come again
COLOURS = 7


class BySeverity(NamedTuple):
    """A number at S severities, of which 0 is no corruption."""

    mean: np.ndarray  # float [S], over the corruptions
    intervals: np.ndarray  # float [S, 2], of the mean
    each: Mapping[str, np.ndarray]  # {corruption: float [S]}
    severities: Sequence[int] = tuple(range(6))


def shift(panels: Mapping[str, BySeverity]) -> "Figure":
    """Plots numbers against the severity of corruptions, one panel for each number.

    Thin lines are corruptions, the thick one is their mean with its interval. Panels of
    an ECE share their scale.

    Args:
      panels: {key of TITLES: BySeverity}.
    """
    import matplotlib.figure

    size = (3.0 * len(panels) + 1.9, 3.4)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    errors = [panels[key].each.values() for key in panels if key != "accuracy"]
    most = max([0.05, *(np.max(line) for lines in errors for line in lines)])
    for panel, (key, numbers) in zip(axes, panels.items(), strict=True):
        _by_severity(panel, numbers)
        panel.set(title=TITLES[key], xlabel="severity")
        panel.set_ylim(0, 1 if key == "accuracy" else 1.05 * most)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside right center",
        frameon=False,
        fontsize="small",
    )
    return figure


def _by_severity(axes: "Axes", numbers: BySeverity) -> None:
    severities = list(numbers.severities)
    low, high = numbers.intervals.T
    axes.fill_between(severities, low, high, color="black", alpha=0.15, lw=0)
    axes.plot(severities, numbers.mean, color="black", linewidth=2, label="mean")
    for index, (name, line) in enumerate(numbers.each.items()):
        axes.plot(
            severities,
            line,
            color=f"C{index % COLOURS}",
            linestyle=DASHES[index // COLOURS % len(DASHES)],
            linewidth=0.9,
            alpha=0.8,
            label=name.replace("_", " "),
        )
    axes.set_xticks(severities)
    axes.spines[["top", "right"]].set_visible(False)


def reliability_by_class(
    diagrams: Sequence[Bins], errors: Sequence[float], names: Sequence[str]
) -> "Figure":
    """Plots for each class how often it is the label against p(y|x), a panel each.

    The area of a point is the share of images in its bin, but for the bin of the
    lowest p(y|x), which most images of other classes are in, and very small ones.

    Args:
      diagrams: K, from `metrics.classwise_calibration.class_reliability`.
      errors: K, the ECE of each class against the rest.
      names: K, of the classes.
    """
    import matplotlib.figure

    columns = min(ACROSS, len(names))
    rows = -(-len(names) // columns)
    size = (1.9 * columns + 0.4, 2.05 * rows + 0.3)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    titles = lettering.drawable(list(names), width=LETTERS)
    style = lettering.style(titles)
    for axes, bins, error, title in zip(
        grid.flat, diagrams, errors, titles, strict=False
    ):
        full = bins.counts > 0
        axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--")
        x, y = bins.confidence[full], bins.accuracy[full]
        axes.plot(x, y, color="tab:blue", linewidth=0.8)
        share = bins.counts[full] / bins.counts[1:].sum().clip(1)
        sizes = np.clip(300 * share, 3, 60)
        axes.scatter(x, y, s=sizes, color="tab:blue", clip_on=False)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_title(title, fontsize="medium", **style)
        axes.text(0.97, 0.05, f"ECE {error:.2%}", ha="right", fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    panels.hide_spare(grid, len(names))
    figure.supxlabel("p(y|x)", fontsize="medium")
    figure.supylabel("share of images of the class", fontsize="medium")
    return figure
