"""Images with captions as matplotlib figures, which `figures.save_plot` saves."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jem_tf import figures
from jem_tf.figures import lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BESIDE, LETTERS = 1.4, 14  # inches beside a row, for names of so many letters
LETTER = 0.08  # inches of each letter more
MARGIN = 0.1  # inches at the right
MOST_ROWS = 25  # of classes below each other; more stand side by side


def captioned_rows(
    rows: Mapping[str, np.ndarray],
    captions: Mapping[str, Sequence[str]],
    names: Sequence[str],
) -> "Figure":
    """Shows rows of n images under the names of the columns, with captions.

    Args:
      rows: {label: images float [n, H, W, C] in [-1, 1]}.
      captions: {label: [n] of texts beneath the images}.
      names: [n], of the columns; see `lettering.drawable`.
    """
    import matplotlib.figure

    style = lettering.style([*rows, *names, *itertools.chain(*captions.values())])
    size = (0.95 * len(names) + 0.5, 1.25 * len(rows) + 0.3)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), len(names), squeeze=False)
    for line, (label, images) in zip(panels, rows.items(), strict=True):
        line[0].set_ylabel(label, fontsize="small", **style)
        for axes, image, caption in zip(line, images, captions[label], strict=True):
            _show(axes, figures.tile(image[None]))
            axes.set_xlabel(caption, fontsize="x-small", **style)
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(name, fontsize="small", **style)
    return figure


def labelled_rows(
    images: np.ndarray,
    names: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
) -> "Figure":
    """Shows one row of images for each class, with the name of the class beside it.

    More than MOST_ROWS classes stand in blocks, side by side.

    Args:
      images: float [K, n, H, W, C] in [-1, 1].
      names: [K], see `lettering.drawable`; a row with the name "" has none.
      columns: [n] of texts above the columns, or None.
    """
    import matplotlib.figure

    blocks = -(-len(images) // MOST_ROWS)
    rows = -(-len(images) // blocks)
    longest = max(map(lettering.measure, names))
    beside = BESIDE + LETTER * max(0, longest - LETTERS) if longest else 0.1
    size = (
        blocks * (0.5 * images.shape[1] + beside),
        0.5 * rows + (0.28 if columns else 0.1),
    )
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    style = lettering.style(names)
    blank = np.ones([rows * blocks - len(images), *images.shape[1:]])  # white
    images, names = np.concatenate([images, blank]), [*names, *[""] * len(blank)]
    for i, axes in enumerate(figure.subplots(1, blocks, squeeze=False)[0]):
        own = slice(rows * i, rows * (i + 1))
        _show_block(axes, images[own], names[own], columns, style)
    _cut_right(figure, axes)
    return figure


def _show_block(
    axes: "Axes",
    images: np.ndarray,
    names: Sequence[str],
    columns: Sequence[str] | None,
    style: Mapping[str, Any],
) -> None:
    rows, across, height, width = images.shape[:4]
    _show(axes, figures.tile(images.reshape(-1, *images.shape[2:]), columns=across))
    middles = (height + 1) * np.arange(rows) + (height - 1) / 2
    axes.set_yticks(middles, names, fontsize="medium", **style)
    axes.set_anchor("NW")  # beside the names, for which the layout leaves room there
    axes.tick_params(length=0)
    if columns:
        middles = (width + 1) * np.arange(across) + (width - 1) / 2
        axes.xaxis.tick_top()
        axes.set_xticks(middles, columns, fontsize="small")
        axes.tick_params(length=0)


def _cut_right(figure: "Figure", axes: "Axes") -> None:
    """Leaves out what short names leave free at the right."""
    with lettering.quiet_fonts():
        figure.draw_without_rendering()
    seen = axes.get_tightbbox()
    if seen is not None:
        used = seen.x1 / figure.dpi + MARGIN
        figure.set_figwidth(min(used, figure.get_figwidth()))


def neighbours(
    samples: np.ndarray, nearest: np.ndarray, captions: Sequence[Sequence[str]]
) -> "Figure":
    """Shows each sample at the left of a row that has the images nearest to it.

    Args:
      samples: uint8 [n, H, W, C].
      nearest: uint8 [n, m, H, W, C].
      captions: [n][m] of texts beneath the nearest images.
    """
    import matplotlib.figure

    style = lettering.style(itertools.chain(*captions))
    rows, columns = nearest.shape[0], nearest.shape[1] + 1
    size = (1.05 * columns, 1.22 * rows + 0.3)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for line, sample, images, texts in zip(
        panels, samples, nearest, captions, strict=True
    ):
        shown, beneath = [sample, *images], ["", *texts]
        for axes, image, text in zip(line, shown, beneath, strict=True):
            _show(axes, image)
            axes.set_xlabel(text, fontsize="x-small", labelpad=2, **style)
    panels[0][0].set_title("sample", fontsize="medium")
    panels[0][1 + nearest.shape[1] // 2].set_title(
        "nearest training images: class, distance", fontsize="medium"
    )
    return figure


def _show(axes: "Axes", image: np.ndarray) -> None:
    """Shows uint8 [H, W, C] without a frame."""
    image = np.asarray(image)
    image = image.repeat(3, axis=-1) if image.shape[-1] == 1 else image
    axes.imshow(image, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
