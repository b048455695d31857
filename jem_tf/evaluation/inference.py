"""A model's outputs for many images, in batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf import pixels
from jem_tf.energy_model import Classifier

BATCH = 500


def logits(
    model: Classifier,
    images: Any,
    *,
    batch_size: int = BATCH,
    progress: str | None = None,
) -> np.ndarray:
    """Computes the logits of images in memory.

    Args:
      model: classifies them.
      images, batch_size, progress: as in `map_batches`.

    Returns:
      float32 [N, K].
    """
    return map_batches(model.logits, images, batch_size=batch_size, progress=progress)


def is_right(logits: np.ndarray, labels: Any) -> np.ndarray:
    """Tells which rows of logits [N, K] predict their labels, [N] or one for all.

    A row that is not finite does not.

    Returns:
      bool [N].
    """
    predicted = np.argmax(logits, axis=-1) == np.asarray(labels)
    return predicted & np.isfinite(logits).all(-1)


def map_batches(
    function: Callable[[tf.Tensor], tf.Tensor],
    images: Any,
    *,
    batch_size: int = BATCH,
    progress: str | None = None,
) -> np.ndarray:
    """Applies a function to many images, a batch at a time.

    Args:
      function: float32 [B, H, W, C] in [-1, 1] -> a tensor [B, ...].
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1].
      batch_size: B. The last batch is padded to it, so that one graph serves all.
      progress: the name of the images on a progress bar; None shows no bar.

    Returns:
      [N, ...], the function's results without those of the padding.
    """
    from tqdm import tqdm

    hidden = None if progress else True
    results = []
    with tqdm(total=len(images), desc=progress, disable=hidden, unit="image") as bar:
        for begin in range(0, len(images), batch_size):
            batch = tf.convert_to_tensor(images[begin : begin + batch_size])
            n = len(batch)
            batch = pixels.from_uint8(batch) if batch.dtype == tf.uint8 else batch
            if begin and n < batch_size:
                batch = tf.pad(batch, [[0, batch_size - n], [0, 0], [0, 0], [0, 0]])
            results.append(function(batch)[:n].numpy())
            bar.update(n)
    return np.concatenate(results)
