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

MOST_TRAINING_IMAGES = 5000  # that are compared; their features take half a minute
SHOWN = 8
STORED_TESTS = "examples.npz"  # of a pretrained model: some test images with answers


class Pictures(NamedTuple):
    """Pictures that there are.

    about: what they are, such as "the 1,295 training images".
    images: uint8 [N, H, W, C].
    labels: int [N], their classes; None if only the model can say.
    """

    about: str
    images: np.ndarray
    labels: np.ndarray | None


class Gallery(NamedTuple):
    """Pictures among which the nearest ones are found.

    about, images: as in `Pictures`.
    labels: int [N], their classes.
    features: float32 [N, D].
    """

    about: str
    images: np.ndarray
    labels: np.ndarray
    features: np.ndarray


def find_pictures(model: Predictor, data: Dataset | None) -> list[Pictures]:
    """Finds the pictures that there are: training images, or drawn and test images.

    Args:
      model: has drawn pictures, and may have come with test images.
      data: its data set; None if that is not on this machine.
    """
    if data is not None:
        return [_training_images(data)]
    return [*_drawn_images(model), *_test_images(model)]


def find_galleries(
    model: Predictor, data: Dataset | None, network: FeatureNetwork
) -> list[Gallery]:
    """Makes galleries of the pictures that there are.

    Args:
      model, data: as in `find_pictures`.
      network: computes the features.
    """
    galleries = []
    for about, images, labels in find_pictures(model, data):
        if labels is None:
            labels = model.predict(images).probabilities.argmax(axis=1)
        features = network.extract(images, what=about).features
        galleries.append(Gallery(about, images, labels, features))
    return galleries


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
    nearest_of_each: list[dict[str, Any]] = []
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
        nearest_of_each.append({"about": about, "pictures": pictures})
    return nearest_of_each


def drawn_images(buffer: ReplayBuffer) -> tuple[np.ndarray, np.ndarray | None]:
    """The samples of a buffer: (uint8 [N, H, W, C], their classes int [N] or None).

    They have classes if the buffer keeps its chains by class. Chains that began at
    altered images are no samples.
    """
    samples, labels = buffer.are_samples(), None
    if buffer.num_classes:
        labels = np.arange(buffer.slots) * buffer.num_classes // buffer.slots
        labels = np.tile(labels, len(buffer.own))[samples]  # each shard has all classes
    return sampling.to_uint8(buffer.all_images()[samples]), labels


def stored_tests(root: pathlib.Path) -> tuple[np.ndarray, np.ndarray] | None:
    """The test images that came with a model: uint8 [N, H, W, C] and their classes.

    None if none came.
    """
    path = root / STORED_TESTS
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return stored["images"], stored["labels"]


def _training_images(data: Dataset) -> Pictures:
    most, count = MOST_TRAINING_IMAGES, len(data.train.labels)
    images, labels = (take_evenly(np.asarray(part), most) for part in data.train)
    some = f"{most:,} of " if count > most else ""
    return Pictures(f"{some}the {count:,} training images", images, labels)


def _drawn_images(model: Predictor) -> list[Pictures]:
    buffer = model.model.buffer
    if buffer is None or not buffer.are_samples().any():
        return []
    images, labels = drawn_images(buffer)
    about = f"the {len(images):,} pictures that the model drew in training"
    return [Pictures(about, images, labels)]


def _test_images(model: Predictor) -> list[Pictures]:
    stored = stored_tests(model.run.folder.root)
    if stored is None:
        return []
    about = f"the {len(stored[0]):,} test images that came with the model"
    return [Pictures(about, *stored)]
