"""Pictures of drawn images: grids, strips and films of chains, inpaintings.

Letters: n images [H, W, C] in [-1, 1], F frames of a chain; R classes, the rows of a
picture. A writer is a function of the path to write.
"""

import functools
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from jem_tf import figures, pixels
from jem_tf.figures import captioned_grids, lettering
from jem_tf.generation.request import SamplingPlan
from jem_tf.sampling import Drawn, Known

Writer = Callable[[pathlib.Path], None]
ENDINGS = {
    "grid": (".npz", ".png"),
    "chain": (".npz", ".png", ".gif"),
    "inpaint": (".npz", ".png"),
}
COLUMNS, ROWS = 20, 100  # of a picture at most; the .npz has all images
STRIP = 11  # steps in a strip
LEAST, PAUSE, LAST = 480, 60, 2000  # pixels; ms a frame; ms of the last frame


def picture_writers(
    drawn: Drawn, plan: SamplingPlan, names: Sequence[str]
) -> dict[str, Writer]:
    """Makes the writers of all pictures that fit the mode: {ending: writer}.

    Args:
      drawn: what `sampling.draw_many` returned.
      plan: the plan by which it was drawn.
      names: [K], the names of the classes.
    """
    names = lettering.drawable(names)
    rows = None if plan.classes is None else [names[y] for y in plan.classes]
    if plan.known is not None:
        return {".png": inpaintings(drawn.images, rows, plan.known)}
    if drawn.frames is not None:
        labels = plan.labels
        each = [""] * plan.n if labels is None else [names[y] for y in labels]
        film = functools.partial(_film, frames=drawn.frames[:, : COLUMNS * ROWS])
        return {".png": strip(drawn, each), ".gif": film}
    return {".png": grid(drawn.images, rows)}


def grid(images: np.ndarray, names: Sequence[str] | None) -> Writer:
    """Makes a grid of images [n, H, W, C]; with names [R], each class has a row."""
    if names is None:
        return functools.partial(figures.save, images=images)
    rows = images.reshape(len(names), -1, *images.shape[1:])[:ROWS, :COLUMNS]
    return _rows(rows, names[:ROWS])


def strip(drawn: Drawn, names: Sequence[str]) -> Writer:
    """Shows a chain in each row, from start to end; names [n] are beside the rows."""
    frames, steps = np.asarray(drawn.frames), np.asarray(drawn.frame_steps)
    shown = np.unique(np.linspace(0, len(frames) - 1, STRIP).round().astype(int))
    rows = pixels.from_uint8(frames[shown, :ROWS]).numpy().swapaxes(0, 1)
    return _rows(rows, names[:ROWS], [f"{step:,}" for step in steps[shown]])


def inpaintings(
    images: np.ndarray, names: Sequence[str] | None, known: Known
) -> Writer:
    """Shows images [n, H, W, C] beside the original and its known pixels."""
    names = names or [""]
    painted = images.reshape(len(names), -1, *images.shape[1:])[:ROWS, :COLUMNS]
    beside = np.stack([known.image, np.where(known.free, 0.0, known.image)])
    rows = np.stack([np.concatenate([beside, row]) for row in painted])
    columns = ["image", "known", *map(str, range(1, painted.shape[1] + 1))]
    return _rows(rows, names[:ROWS], columns)


def _rows(
    rows: np.ndarray, names: Sequence[str], columns: Sequence[str] | None = None
) -> Writer:
    def write(path):
        figures.save_plot(
            path, captioned_grids.labelled_rows(rows, names, columns=columns)
        )

    return write


def _film(path: pathlib.Path, frames: np.ndarray) -> None:
    """Saves frames uint8 [F, n, H, W, C] as an animated GIF, chains side by side."""
    first, *others = (
        figures.picture(pixels.from_uint8(frame), least_size=LEAST) for frame in frames
    )
    first.save(
        path,
        "GIF",
        save_all=True,
        append_images=others,
        duration=[PAUSE] * len(others) + [LAST],
        loop=0,
    )
