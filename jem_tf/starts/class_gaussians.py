"""The "informative" start of JEM++: a Gaussian around the mean image of each class."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.errors import InputError, argument, whole_number
from jem_tf.starts.origins import OfOneOrigin, Start

GAUSSIAN_IMAGES = 20_000  # the Gaussian start is fitted on about so many images
SHOWN = 10  # classes in an error


@dataclasses.dataclass(frozen=True, eq=False)
class Gaussian(OfOneOrigin):
    """A `Start`: Gaussians round the means of classes, clipped to [-1, 1].

    image_shape: (H, W, C), of D pixels.
    means: float32 [K, D].
    factor: float32 [rank, D], whose product with N(0, I) is added.
    """

    image_shape: tuple[int, ...]
    means: tf.Tensor
    factor: tf.Tensor
    ORIGIN = "gaussian"

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        label_seed, pixel_seed = tf.unstack(tf.random.split(seed))
        classes, rank = self.means.shape[0], self.factor.shape[0]
        if labels is None:
            labels = tf.random.stateless_uniform([n], label_seed, 0, classes, tf.int32)
        around = tf.random.stateless_normal([n, rank], pixel_seed) @ self.factor
        drawn = tf.clip_by_value(tf.gather(self.means, labels) + around, -1.0, 1.0)
        return tf.reshape(drawn, [n, *self.image_shape])


def gaussian(
    images: np.ndarray, labels: np.ndarray, num_classes: int, *, rank: int = 256
) -> Start:
    """A Gaussian around the mean image of each class, clipped to [-1, 1].

    The "informative" start of JEM++ (Yang & Ji, ICCV 2021, section 4.2) has a full
    covariance for each class, 3.8 GB for CIFAR-100. Here all classes share one
    covariance of at most `rank` directions.

    Args:
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1], training images.
      labels: int [N] or [N, 1] in [0, num_classes); every class must occur.
      num_classes: K.
      rank: how many principal directions of the images, minus the means of their
        classes, are kept; at least 1.

    Raises:
      InputError: if images are of another dtype or range, if there are not as many
        labels, if a class has no image, as the mean of none is not a number, or if a
        label is no class.
    """
    from sklearn.decomposition import PCA

    images, labels = np.asarray(images), _class_numbers(labels)
    rank, shape = whole_number("rank", rank, 1), images.shape[1:]
    if len(images) != len(labels):
        raise InputError(
            f"{argument('labels')} are {len(labels)}, of {len(images)} images; give "
            "each image one."
        )
    _check_labels(labels, num_classes)
    pixels.check_values(images)
    flat = np.reshape(pixels.to_float32(images), [len(images), -1])
    means = np.stack([flat[labels == y].mean(0) for y in range(num_classes)])
    rank = min(rank, *flat.shape)
    pca = PCA(rank, svd_solver="randomized", random_state=0).fit(flat - means[labels])
    scale = np.sqrt(pca.explained_variance_)[:, None]
    factor = tf.constant(scale * pca.components_)
    return Gaussian(tuple(shape), tf.constant(means), factor)


def from_dataset(images: np.ndarray, labels: np.ndarray, num_classes: int) -> Start:
    """The Gaussian start of the images that `gaussian_images` chooses.

    Args:
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1], training images.
      labels: int [N] or [N, 1] in [0, num_classes), of the images.
      num_classes: K.

    Raises:
      InputError: as `gaussian` does.
    """
    labels = _class_numbers(labels)
    chosen = gaussian_images(labels, num_classes)
    some = tf.gather(images, chosen).numpy()
    return gaussian(some, labels[chosen], num_classes)


def gaussian_images(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Chooses the images that the Gaussian start is made of.

    They are the first GAUSSIAN_IMAGES, and those of each class that has none among
    them: the first of that class, at most an even share of GAUSSIAN_IMAGES.

    Args:
      labels: int [N] in [0, num_classes).
      num_classes: K.

    Returns:
      int [n], indices of the chosen images, ascending.
    """
    labels = np.asarray(labels)
    chosen = [np.arange(min(len(labels), GAUSSIAN_IMAGES))]
    share = max(1, GAUSSIAN_IMAGES // num_classes)
    for y in np.setdiff1d(np.arange(num_classes), labels[chosen[0]]):
        chosen.append(np.flatnonzero(labels == y)[:share])
    return np.sort(np.concatenate(chosen))


def _class_numbers(labels: np.ndarray) -> np.ndarray:
    """Labels [N] or [N, 1], as `keras.datasets` has some, as [N]."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"labels are {labels.dtype} of shape {list(labels.shape)}; give class "
            "numbers, int [N]."
        )
    return labels


def _check_labels(labels: np.ndarray, num_classes: int) -> None:
    strange = np.setdiff1d(labels, np.arange(num_classes))
    if len(strange):
        raise InputError(
            f"labels hold {_listed(strange)}; give those of classes, 0 to "
            f"{num_classes - 1}."
        )
    missing = np.setdiff1d(np.arange(num_classes), labels)
    if len(missing):
        raise InputError(
            "A Gaussian start is made round the mean image of each class, and of class "
            f"{_listed(missing)} there is no image; add some, or choose "
            f"{argument('start', 'uniform')}."
        )


def _listed(numbers: np.ndarray) -> str:
    more = ", ..." if len(numbers) > SHOWN else ""
    return ", ".join(map(str, numbers[:SHOWN])) + more
