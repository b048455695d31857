"""Pictures of samples: a grid, by class, and beside the nearest training images."""

import numpy as np

from jem_tf import datasets
from jem_tf.evaluation import generation, neighbours
from jem_tf.figures import image_grids

GRID, A_CLASS, MOST_CLASSES = 100, 10, 20
ROWS, NEAREST = 10, 5
WORDS = {
    "grid": "of the measured samples, at random",
    "classes": f"{A_CLASS} a class, at most {MOST_CLASSES} evenly spaced classes, ",
    "neighbours": f"the first {ROWS} of the grid, each with its {NEAREST} nearest "
    "training images by the L2 distance of pixels in [-1, 1], written beneath",
}
GONE_ON = (
    "the buffer's chains gone on with down E(x, y), one of "
    f"{generation.CANDIDATES} by exp(-E)"
)


def pictures(model, images, data, *, fresh=None, seed=0):
    """The figures of an evaluation of samples.

    Args:
      model: EnergyModel, with a replay buffer unless `fresh` is given.
      images: uint8 [N, H, W, C], samples in an order at random.
      data: datasets.Dataset, of the training images and class names.
      fresh: samples.Fresh, for the classes to be chains of; None to go on with the
        buffer's.
      seed: int.

    Returns:
      {"grid": float32 [100, H, W, C] in [-1, 1]; "classes", "neighbours": Figure}.
    """
    return {
        "grid": datasets.pixels(images[:GRID]).numpy(),
        "classes": _classes(model, data.class_names, fresh, seed),
        "neighbours": _neighbours(images[:ROWS], data.train, data.class_names),
    }


def protocol(fresh):
    """How `pictures` makes them, in words: {figure: str}."""
    how = "fresh chains down E(x, y)" if fresh else GONE_ON
    return WORDS | {"classes": WORDS["classes"] + how}


def _classes(model, names, fresh, seed):
    spaced = np.linspace(0, len(names) - 1, min(len(names), MOST_CLASSES))
    shown = np.unique(spaced.round().astype("int32"))
    labels = np.repeat(shown, A_CLASS)
    if fresh:
        drawn = fresh.draw(len(labels), labels=labels, seed=seed)
    else:
        drawn = np.asarray(
            model.sample(
                len(labels),
                labels=labels,
                candidates=generation.CANDIDATES,
                seed=seed,
            )
        )
    rows = drawn.reshape(len(shown), A_CLASS, *drawn.shape[1:])
    return image_grids.by_class(rows, [names[y] for y in shown])


def _neighbours(samples, train, names):
    images, labels = np.asarray(train.images), np.asarray(train.labels)
    which, distances = neighbours.nearest(samples, images, min(NEAREST, len(images)))
    captions = [
        [f"{names[labels[i]]}  {far:.1f}" for i, far in zip(*row, strict=True)]
        for row in zip(which, distances, strict=True)
    ]
    return image_grids.neighbours(samples, images[which], captions)
