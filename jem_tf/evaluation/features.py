"""What a network sees in many images: features and p(y|x), a batch at a time.

A network to look through has `read(images, what=) -> Read`, `suffix` (of the names of
metrics made with it), `width` (D), `protocol()`, and `kept`: whether what it sees is
worth a place in the user's cache, where `identity` tells such networks apart. They are
`inception.Inception`, and `Penultimate` of any classifier.
"""

import collections

import keras
import numpy as np
import tensorflow as tf

from jem_tf.datasets import pixels
from jem_tf.errors import InputError

Read = collections.namedtuple("Read", "features probabilities")


class Penultimate:
    """The features that a classifier's last Dense layer reads, and its p(y|x).

    Args:
      network: Keras model, images [B, H, W, C] in [-1, 1] -> logits [B, K].

    Raises:
      InputError: if it has no Dense layer.
    """

    suffix, kept = "_network", False  # another network at each checkpoint

    def __init__(self, network):
        heads = [x for x in network.layers if isinstance(x, keras.layers.Dense)]
        if not heads:
            raise InputError(
                f"{network.name} has no Dense layer to take features before; leave out "
                "--features=network."
            )
        self.name, self.width = network.name, int(np.prod(heads[-1].input.shape[1:]))
        both = keras.Model(network.inputs, [heads[-1].input, network.output])
        self._see = tf.function(
            lambda x: both(x, training=False), reduce_retracing=True
        )

    def read(self, images, *, batch_size=500, what="images"):
        """uint8 [N, H, W, C] -> Read."""
        return read_all(self._read, images, batch_size, f"{self.name}: {what}")

    def _read(self, batch):
        seen, logits = self._see(pixels(batch))
        seen = tf.reshape(tf.cast(seen, tf.float32), [-1, self.width])
        return seen.numpy(), tf.nn.softmax(logits).numpy()

    def protocol(self):
        """What a protocol says of it."""
        return {
            "network": f"the run's own {self.name}: no FID of the literature",
            "features": f"what its last Dense layer reads, {self.width}",
            "predictions": "its p(y|x)",
        }


def read_all(read, images, batch_size, what):
    """Reads images in batches, with a progress bar.

    Args:
      read: images [B, H, W, C] -> (features [B, D], probabilities [B, K] or None).
      images: [N, H, W, C].
      batch_size: B.
      what: words for the bar.

    Returns:
      Read(features float32 [N, D], probabilities float32 [N, K] or None).
    """
    from tqdm import tqdm

    seen, said = [], []
    with tqdm(total=len(images), desc=what, unit="image", disable=None) as bar:
        for begin in range(0, len(images), batch_size):
            batch = images[begin : begin + batch_size]
            found, probabilities = read(batch)
            seen.append(found)
            said.append(probabilities)
            bar.update(len(batch))
    no_classes = said[0] is None
    return Read(np.concatenate(seen), None if no_classes else np.concatenate(said))
