"""Networks that compute the features for FID and KID, and p(y|x), in batches.

`FeatureNetwork` is their signature. `inception_network.Inception` is one; `Penultimate`
makes one of any classifier.

Letters: N images, B a batch, D features, K classes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.errors import InputError, argument


class Features(NamedTuple):
    """What a feature network computes for N images.

    features: float32 [N, D].
    probabilities: float32 [N, K], p(y|x); None if the network has no classes.
    """

    features: np.ndarray
    probabilities: np.ndarray | None


class FeatureNetwork(Protocol):
    """A network that computes features of images.

    suffix: the end of the names of metrics that are made with the network.
    width: D.
    kept: whether the statistics of a reference are kept in the user's cache.
    identity: a key of that cache, equal for networks that compute the same features.
    """

    suffix: str
    width: int
    kept: bool
    identity: str

    def extract(self, images: np.ndarray, *, what: str = "images") -> Features:
        """Computes the features of images uint8 [N, H, W, C].

        Args:
          images: N images.
          what: name of the images on the progress bar.

        Raises:
          InputError: if the network does not take images of this shape.
        """

    def protocol(self) -> dict[str, Any]:
        """Describes the network in the protocol of an evaluation."""


class Penultimate:
    """The features that a classifier's last Dense layer takes, and its p(y|x).

    Args:
      network: Keras model, images [B, H, W, C] in [-1, 1] -> logits [B, K].

    Raises:
      InputError: if it has no Dense layer.
    """

    # Nothing is kept in the cache: each checkpoint has another network.
    suffix, kept, identity = "_network", False, ""

    def __init__(self, network: keras.Model):
        heads = [x for x in network.layers if isinstance(x, keras.layers.Dense)]
        if not heads:
            raise InputError(
                f"{network.name} has no Dense layer, whose inputs are the features; use"
                " those of another network, such as Inception."
            )
        self.name, self.width = network.name, int(np.prod(heads[-1].input.shape[1:]))
        both = keras.Model(network.inputs, [heads[-1].input, network.output])
        self._outputs = tf.function(
            lambda x: both(x, training=False), reduce_retracing=True, autograph=False
        )

    def extract(
        self, images: np.ndarray, *, batch_size: int = 500, what: str = "images"
    ) -> Features:
        """Computes the features of images uint8 [N, H, W, C]."""
        return read_batches(
            self._read, images, batch_size=batch_size, what=f"{self.name}: {what}"
        )

    def _read(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        features, logits = self._outputs(pixels.from_uint8(batch))
        features = tf.reshape(tf.cast(features, tf.float32), [-1, self.width])
        return features.numpy(), tf.nn.softmax(logits).numpy()

    def protocol(self) -> dict[str, Any]:
        """Describes the network in the protocol of an evaluation."""
        return {
            "network": f"the run's own {self.name}: no FID of the literature",
            "features": f"what its last Dense layer reads, {self.width}",
            "predictions": "its p(y|x)",
        }


def check_count(
    count: int,
    network: FeatureNetwork,
    remedy: str = f"{argument('count')} or {argument('limit')}",
) -> None:
    """Checks that images are enough for a covariance of full rank.

    Args:
      count: N.
      network: computes the features.
      remedy: the arguments that give more images, for the error.

    Raises:
      InputError: unless N > D.
    """
    if count <= network.width:
        raise InputError(
            f"{count} images are too few for a covariance of {network.width} features; "
            f"have more than {network.width} by {remedy}."
        )


def read_batches(
    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]],
    images: np.ndarray,
    *,
    batch_size: int,
    what: str,
) -> Features:
    """Computes features in batches, with a progress bar.

    Args:
      read: images [B, H, W, C] -> (features [B, D], probabilities [B, K] or None).
      images: [N, H, W, C].
      batch_size: B.
      what: text on the bar.
    """
    from tqdm import tqdm

    features, probabilities = [], []
    with tqdm(total=len(images), desc=what, unit="image", disable=None) as bar:
        for begin in range(0, len(images), batch_size):
            batch = images[begin : begin + batch_size]
            batch_features, batch_probabilities = read(batch)
            features.append(batch_features)
            if batch_probabilities is not None:
                probabilities.append(batch_probabilities)
            bar.update(len(batch))
    all_probabilities = np.concatenate(probabilities) if probabilities else None
    return Features(np.concatenate(features), all_probabilities)
