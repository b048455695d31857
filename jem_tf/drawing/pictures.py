"""Pictures of what was drawn: a grid, a strip and a film of chains, inpaintings.

Letters as in `walks`; R classes, the rows of a sheet. A writer is a function of the
path to write.
"""

import functools

import numpy as np

from jem_tf import datasets, figures
from jem_tf.figures import image_grids

ENDINGS = {
    "grid": (".npz", ".png"),
    "chain": (".npz", ".png", ".gif"),
    "inpaint": (".npz", ".png"),
}
COLUMNS, ROWS = 20, 100  # of a sheet at most; the .npz has all
STRIP = 11  # steps in a strip
LEAST, PAUSE, LAST = 480, 60, 2000  # pixels; milliseconds of a frame, of the last one


def of(drawn, plan, names):
    """{ending: writer} of all pictures that fit what was drawn.

    Args:
      drawn: walks.Drawn.
      plan: request.Plan.
      names: [K] of the classes.
    """
    rows = None if plan.classes is None else [names[y] for y in plan.classes]
    if plan.known is not None:
        return {".png": inpaintings(drawn.images, rows, plan.known)}
    if drawn.frames is not None:
        each = [""] * plan.n if plan.labels is None else [names[y] for y in plan.labels]
        film = functools.partial(_film, frames=drawn.frames[:, : COLUMNS * ROWS])
        return {".png": strip(drawn, each), ".gif": film}
    return {".png": grid(drawn.images, rows)}


def grid(images, names):
    """Images [n, H, W, C], n / R of each class in a row beside its name."""
    if names is None:
        return functools.partial(figures.save, images=images)
    rows = images.reshape(len(names), -1, *images.shape[1:])[:ROWS, :COLUMNS]
    return _sheet(rows, names[:ROWS])


def strip(drawn, names):
    """A chain a row, the steps evenly over the walk; names [n] beside the chains."""
    last = len(drawn.frames) - 1
    shown = np.unique(np.linspace(0, last, STRIP).round().astype(int))
    rows = datasets.pixels(drawn.frames[shown, :ROWS]).numpy().swapaxes(0, 1)
    return _sheet(rows, names[:ROWS], [f"{step:,}" for step in drawn.steps[shown]])


def inpaintings(images, names, known):
    """Images [n, H, W, C] beside the original and what is known of it."""
    names = names or [""]
    painted = images.reshape(len(names), -1, *images.shape[1:])[:ROWS, :COLUMNS]
    beside = np.stack([known.image, np.where(known.free, 0.0, known.image)])
    rows = np.stack([np.concatenate([beside, row]) for row in painted])
    columns = ["image", "known", *map(str, range(1, painted.shape[1] + 1))]
    return _sheet(rows, names[:ROWS], columns)


def _sheet(rows, names, columns=None):
    def writer(path):
        figures.save_plot(path, image_grids.by_class(rows, names, columns=columns))

    return writer


def _film(path, frames):
    """Saves frames uint8 [F, n, H, W, C] as an animated GIF, chains side by side."""
    first, *others = (
        figures.picture(datasets.pixels(frame), least_size=LEAST) for frame in frames
    )
    first.save(
        path,
        "GIF",
        save_all=True,
        append_images=others,
        duration=[PAUSE] * len(others) + [LAST],
        loop=0,
    )
