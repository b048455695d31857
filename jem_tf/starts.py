"""Starts: distributions from which chains draw their first images.

To add one, write its function and enter a `Builder` in STARTS: `--start` then takes its
name.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.errors import InputError, argument

UNIFORM_SHARE = 0.1  # share of uniform noise in the mixed start
GAUSSIAN_IMAGES = 20_000  # the Gaussian start is fitted on about so many images
SHOWN = 10  # classes in an error


class Start(Protocol):
    """A distribution of images that chains start from.

    Args:
      n: how many images; an int or a scalar tensor.
      seed: int [2].
      labels: int [n], or None for classes drawn evenly.

    Returns:
      float32 [n, H, W, C], pixels in [-1, 1].
    """

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor: ...


# (image_shape, training images, their labels, num_classes) -> start; see `build`.
Builder = Callable[[Sequence[int], Any, Any, int], Start]


@dataclasses.dataclass(frozen=True, eq=False)
class Uniform:
    """A `Start`: U(-1, 1) in every pixel of images (H, W, C)."""

    image_shape: tuple[int, ...]

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        del labels
        return tf.random.stateless_uniform([n, *self.image_shape], seed, -1.0, 1.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Gaussian:
    """A `Start`: Gaussians round the means of classes, clipped to [-1, 1].

    image_shape: (H, W, C), of D pixels.
    means: float32 [K, D].
    factor: float32 [rank, D], whose product with N(0, I) is added.
    """

    image_shape: tuple[int, ...]
    means: tf.Tensor
    factor: tf.Tensor

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        label_seed, pixel_seed = tf.unstack(tf.random.split(seed))
        classes, rank = self.means.shape[0], self.factor.shape[0]
        if labels is None:
            labels = tf.random.stateless_uniform([n], label_seed, 0, classes, tf.int32)
        around = tf.random.stateless_normal([n, rank], pixel_seed) @ self.factor
        drawn = tf.clip_by_value(tf.gather(self.means, labels) + around, -1.0, 1.0)
        return tf.reshape(drawn, [n, *self.image_shape])


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """A `Start`: as `first` with probability `share`, else as `second`."""

    first: Start
    second: Start
    share: float

    def __call__(self, n: Any, seed: Any, labels: Any = None) -> tf.Tensor:
        which_seed, first_seed, second_seed = tf.unstack(tf.random.split(seed, 3))
        which = tf.random.stateless_uniform([n, 1, 1, 1], which_seed) < self.share
        firsts = self.first(n, first_seed, labels)
        return tf.where(which, firsts, self.second(n, second_seed, labels))


# By name, what a file may hold of a start: its fields.
KINDS: dict[str, Any] = {"uniform": Uniform, "gaussian": Gaussian, "mixture": Mixture}


def uniform(image_shape: Sequence[int]) -> Start:
    """U(-1, 1) in every pixel, whatever the label (the paper's Algorithm 1)."""
    return Uniform(tuple(image_shape))


def gaussian(
    images: np.ndarray, labels: np.ndarray, num_classes: int, *, rank: int = 256
) -> Start:
    """A Gaussian around the mean image of each class, clipped to [-1, 1].

    The "informative" start of JEM++ (Yang & Ji, ICCV 2021, section 4.2) has a full
    covariance for each class, 3.8 GB for CIFAR-100. Here all classes share one
    covariance of at most `rank` directions.

    Args:
      images: float [N, H, W, C] in [-1, 1], training images.
      labels: int [N] in [0, num_classes); every class must occur.
      num_classes: K.
      rank: how many principal directions of the images, minus the means of their
        classes, are kept.

    Raises:
      InputError: if a class has no image, as the mean of none is not a number, or a
        label is no class.
    """
    from sklearn.decomposition import PCA

    labels, shape = np.asarray(labels), images.shape[1:]
    _check_labels(labels, num_classes)
    flat = np.reshape(images, [len(images), -1])
    means = np.stack([flat[labels == y].mean(0) for y in range(num_classes)])
    rank = min(rank, *flat.shape)
    pca = PCA(rank, svd_solver="randomized", random_state=0).fit(flat - means[labels])
    scale = np.sqrt(pca.explained_variance_)[:, None]
    factor = tf.constant(scale * pca.components_)
    return Gaussian(tuple(shape), tf.constant(means), factor)


def mixture(first: Start, second: Start, share: float) -> Start:
    """Starts as `first` with probability `share`, else as `second`.

    A share of uniform noise in an informative start keeps noise among the negatives.
    Nothing else teaches a model that noise is improbable.
    """
    return Mixture(first, second, share)


def build(
    name: str,
    image_shape: Sequence[int],
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
) -> Start:
    """Builds the start called `name` from a data set.

    Args:
      name: a key of STARTS: "uniform"; "gaussian", fitted on the images that
        `gaussian_images` chooses; "mixed", both.
      image_shape: (H, W, C).
      images: uint8 [N, H, W, C], training images.
      labels: int [N] in [0, num_classes), of the images.
      num_classes: K.

    Raises:
      InputError: if there is no such start, or it needs images of each class and a
        class has none.
    """
    if name not in STARTS:
        raise InputError(
            f"{argument('start', name)} is not known; choose one of "
            f"{', '.join(STARTS)}."
        )
    return STARTS[name](image_shape, images, labels, num_classes)


def _uniform(image_shape: Sequence[int], *_: Any) -> Start:
    return uniform(image_shape)


def _gaussian(_: Any, images: np.ndarray, labels: np.ndarray, classes: int) -> Start:
    chosen, labels = gaussian_images(labels, classes), np.asarray(labels)
    some = pixels.from_uint8(tf.gather(images, chosen)).numpy()
    return gaussian(some, labels[chosen], classes)


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


def _mixed(image_shape: Sequence[int], *data: Any) -> Start:
    informative = _gaussian(image_shape, *data)
    return mixture(uniform(image_shape), informative, UNIFORM_SHARE)


STARTS: dict[str, Builder] = {
    "uniform": _uniform,
    "gaussian": _gaussian,
    "mixed": _mixed,
}
