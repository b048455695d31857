"""The pictures nearest to an image by the model, among those that there are.

A packed run holds no training images. If its data set is on this machine, the nearest
of its training images are found; else the nearest of the pictures that the model drew
in training, and of the test images that came with it.

Distances are L2 between the features that the network's last Dense layer reads.
"""

import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jem_tf import sampling
from jem_tf.datasets import Dataset
from jem_tf.demonstration.inline_pictures import png_url
from jem_tf.evaluation import neighbours
from jem_tf.evaluation.features import FeatureNetwork
from jem_tf.evaluation.reference import take_evenly
from jem_tf.replay import ReplayBuffer
from jem_tf.serving.predictor import Predictor

MOST = 5000  # training images that are compared: their features take half a minute
SHOWN = 8
STORED_TESTS = "examples.npz"  # of a pretrained model: some test images with answers


class Gallery(NamedTuple):
    """Pictures among which the nearest ones are found.

    about: what they are, such as "the 1,295 training images".
    images: uint8 [N, H, W, C].
    labels: int [N], their classes.
    features: float32 [N, D].
    """

    about: str
    images: np.ndarray
    labels: np.ndarray
    features: np.ndarray


def find_galleries(
    model: Predictor, data: Dataset | None, network: FeatureNetwork
) -> list[Gallery]:
    """Finds the pictures that there are: training images, or drawn and test images.

    Args:
      model: has drawn pictures, and may have come with test images.
      data: its data set; None if that is not on this machine.
      network: computes the features.
    """
    if data is not None:
        sources = [_training_images(data)]
    else:
        drawn = _drawn_images(model) if model.model.buffer is not None else []
        sources = [*drawn, *_test_images(model)]
    return [
        Gallery(about, images, labels, network.extract(images, what=about).features)
        for about, images, labels in sources
    ]


def nearest(
    image: np.ndarray,
    galleries: Sequence[Gallery],
    network: FeatureNetwork,
    class_names: Sequence[str],
) -> list[dict[str, Any]]:
    """Finds the nearest pictures of each gallery, but for the image itself.

    Args:
      image: uint8 [H, W, C].
      galleries: of the model.
      network: computed their features.
      class_names: [K].

    Returns:
      JSON values: [{"about", "pictures": [{"picture", "class", "distance"}, ...]},
      ...], SHOWN pictures at most, nearest first. A gallery without another picture is
      left out.
    """
    features = network.extract(image[None], what="the picture").features
    found: list[dict[str, Any]] = []
    for about, images, labels, own in galleries:
        others = np.flatnonzero(np.any(images != image, axis=(1, 2, 3)))
        if not len(others):
            continue
        places, distances = neighbours.find_nearest_rows(
            features, own[others], min(SHOWN, len(others))
        )
        pictures = [
            {
                "picture": png_url(images[row]),
                "class": class_names[labels[row]],
                "distance": float(distance),
            }
            for row, distance in zip(others[places[0]], distances[0], strict=True)
        ]
        found.append({"about": about, "pictures": pictures})
    return found


def drawn_images(buffer: ReplayBuffer) -> tuple[np.ndarray, np.ndarray | None]:
    """The chains of a buffer: (uint8 [N, H, W, C], their classes int [N] or None).

    They have classes if the buffer keeps its chains by class.
    """
    chains = buffer.as_one_shard()["shard"]
    labels = None
    if buffer.num_classes:
        labels = np.arange(len(chains)) * buffer.num_classes // len(chains)
    return sampling.to_uint8(chains), labels


def stored_tests(root: pathlib.Path) -> tuple[np.ndarray, np.ndarray] | None:
    """The test images that came with a model: uint8 [N, H, W, C] and their classes.

    None if none came.
    """
    path = root / STORED_TESTS
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return stored["images"], stored["labels"]


def _training_images(data: Dataset) -> tuple[str, np.ndarray, np.ndarray]:
    images, labels = (take_evenly(np.asarray(part), MOST) for part in data.train)
    count = len(data.train.labels)
    some = f"{MOST:,} of " if count > MOST else ""
    return f"{some}the {count:,} training images", images, labels


def _drawn_images(model: Predictor) -> list[tuple[str, np.ndarray, np.ndarray]]:
    images, labels = drawn_images(model.model.buffer)
    if labels is None:
        labels = model.predict(images).probabilities.argmax(axis=1)
    about = f"the {len(images):,} pictures that the model drew in training"
    return [(about, images, labels)]


def _test_images(model: Predictor) -> list[tuple[str, np.ndarray, np.ndarray]]:
    stored = stored_tests(model.run.folder.root)
    if stored is None:
        return []
    return [(f"the {len(stored[0]):,} test images that came with the model", *stored)]
