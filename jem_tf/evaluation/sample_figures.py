"""Pictures of samples: a grid, by class, and beside the nearest training images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jem_tf import pixels
from jem_tf.datasets import Dataset, Split
from jem_tf.energy_model import EnergyModel
from jem_tf.evaluation import monitoring, neighbours
from jem_tf.evaluation.sample_sources import FreshChains
from jem_tf.figures import captioned_grids, lettering

GRID, A_CLASS, MOST_CLASSES = 100, 10, 20
ROWS, NEAREST = 10, 5
DESCRIPTIONS = {
    "grid": "of the measured samples, at random",
    "classes": f"{A_CLASS} a class, at most {MOST_CLASSES} evenly spaced classes, ",
    "neighbours": f"the first {ROWS} of the grid, each with its {NEAREST} nearest "
    "training images by the L2 distance of pixels in [-1, 1], written beneath",
}
CONTINUED = (
    "the buffer's chains continued down E(x, y), one of "
    f"{monitoring.CANDIDATES} by exp(-E)"
)


def make_figures(
    model: EnergyModel,
    images: np.ndarray,
    data: Dataset,
    *,
    fresh: FreshChains | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Makes the figures of an evaluation of samples.

    Args:
      model: EnergyModel, with a replay buffer unless `fresh` is given.
      images: uint8 [N, H, W, C], samples in random order.
      data: datasets.Dataset, which has the training images and class names.
      fresh: FreshChains that draw the figure of the classes; None: chains of the buffer
        are continued for it.
      seed: int.

    Returns:
      {"grid": float32 [100, H, W, C] in [-1, 1]; "classes", "neighbours": Figure}.
    """
    return {
        "grid": pixels.from_uint8(images[:GRID]).numpy(),
        "classes": _classes(model, data.class_names, fresh, seed),
        "neighbours": _neighbours(images[:ROWS], data.train, data.class_names),
    }


def figures_protocol(fresh: FreshChains | None) -> dict[str, str]:
    """Describes the figures of `make_figures` in a protocol: {figure: text}."""
    how = "fresh chains down E(x, y)" if fresh else CONTINUED
    return DESCRIPTIONS | {"classes": DESCRIPTIONS["classes"] + how}


def _classes(
    model: EnergyModel, names: Sequence[str], fresh: FreshChains | None, seed: int
) -> Any:
    spaced = np.linspace(0, len(names) - 1, min(len(names), MOST_CLASSES))
    shown = np.unique(spaced.round().astype("int32"))
    labels = np.repeat(shown, A_CLASS)
    if fresh:
        drawn = fresh.draw(len(labels), labels=labels, seed=seed)
    else:
        how: dict[str, Any] = {
            "labels": labels,
            "candidates": monitoring.CANDIDATES,
            "seed": seed,
        }
        drawn = np.asarray(model.sample(len(labels), **how))
    rows = drawn.reshape(len(shown), A_CLASS, *drawn.shape[1:])
    names = lettering.drawable(names)
    return captioned_grids.labelled_rows(rows, [names[y] for y in shown])


def _neighbours(samples: np.ndarray, train: Split, names: Sequence[str]) -> Any:
    images, labels = np.asarray(train.images), np.asarray(train.labels)
    count = min(NEAREST, len(images))
    which, distances = neighbours.find_nearest(samples, images, count)
    names = lettering.drawable(names, width=lettering.NARROW)
    captions = [
        [f"{names[labels[i]]}  {far:.1f}" for i, far in zip(*row, strict=True)]
        for row in zip(which, distances, strict=True)
    ]
    return captioned_grids.neighbours(samples, images[which], captions)
