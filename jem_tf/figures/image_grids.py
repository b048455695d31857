"""Sheets of pictures with captions, each a matplotlib figure as in charts.py."""

import numpy as np

from jem_tf import figures


def strip(rows, captions, names):
    """Rows of images, each with a number beneath, under the names of the columns.

    Args:
      rows: {label: images float [n, H, W, C] in [-1, 1]}.
      captions: {label: [n] of words beneath the images}.
      names: [n].
    """
    import matplotlib.figure

    size = (0.95 * len(names) + 0.5, 1.25 * len(rows) + 0.3)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), len(names), squeeze=False)
    for line, (label, images) in zip(panels, rows.items(), strict=True):
        line[0].set_ylabel(label, fontsize="small")
        for axes, image, caption in zip(line, images, captions[label], strict=True):
            _picture(axes, figures.tile(image[None]))
            axes.set_xlabel(caption, fontsize="x-small")
    for axes, name in zip(panels[0], names, strict=True):
        axes.set_title(name, fontsize="small")
    return figure


def by_class(images, names, *, columns=None):
    """A row of images a class, its name beside it if it has one.

    Args:
      images: float [K, n, H, W, C] in [-1, 1].
      names: [K].
      columns: [n] of words above the columns, or None.
    """
    import matplotlib.figure

    rows, across, height, width = images.shape[:4]
    size = (
        0.5 * across + (1.4 if any(names) else 0.1),
        0.5 * rows + (0.28 if columns else 0.1),
    )
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    grid = figures.tile(images.reshape(-1, *images.shape[2:]), columns=across)
    _picture(axes, grid)
    middles = (height + 1) * np.arange(rows) + (height - 1) / 2
    axes.set_yticks(middles, names, fontsize="medium")
    axes.tick_params(length=0)
    if columns:
        middles = (width + 1) * np.arange(across) + (width - 1) / 2
        axes.xaxis.tick_top()
        axes.set_xticks(middles, columns, fontsize="small")
        axes.tick_params(length=0)
    return figure


def neighbours(samples, nearest, captions):
    """Each sample at the left of a row, the images nearest to it at its right.

    Args:
      samples: uint8 [n, H, W, C].
      nearest: uint8 [n, m, H, W, C].
      captions: [n][m] of words beneath the latter.
    """
    import matplotlib.figure

    rows, columns = nearest.shape[0], nearest.shape[1] + 1
    size = (1.05 * columns, 1.22 * rows + 0.3)
    figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for line, sample, found, words in zip(
        panels, samples, nearest, captions, strict=True
    ):
        for axes, image, word in zip(line, [sample, *found], ["", *words], strict=True):
            _picture(axes, image)
            axes.set_xlabel(word, fontsize="x-small", labelpad=2)
    panels[0][0].set_title("sample", fontsize="medium")
    panels[0][1 + nearest.shape[1] // 2].set_title(
        "nearest training images: class, distance", fontsize="medium"
    )
    return figure


def _picture(axes, image):
    """Shows uint8 [H, W, C] without a frame."""
    shown = np.asarray(image)
    shown = shown.repeat(3, axis=-1) if shown.shape[-1] == 1 else shown
    axes.imshow(shown, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
