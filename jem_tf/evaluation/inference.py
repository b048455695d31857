"""What a model says of many images, a batch at a time."""

import numpy as np
import tensorflow as tf

from jem_tf.datasets import pixels

BATCH = 500


def logits(model, images, *, batch_size=BATCH, progress=None):
    """Logits of images in memory: uint8 or float [N, H, W, C] -> numpy float32 [N, K].

    Args:
      model: a JEM.
      images, batch_size, progress: as in `each_batch`.
    """
    return each_batch(model.logits, images, batch_size=batch_size, progress=progress)


def each_batch(function, images, *, batch_size=BATCH, progress=None):
    """A function's answers to many images.

    Args:
      function: float32 [B, H, W, C] in [-1, 1] -> a tensor [B, ...].
      images: uint8 [N, H, W, C] in 0..255, or float in [-1, 1].
      batch_size: images at a time; the last batch is padded, and the padding cut off
        again.
      progress: what a bar on the terminal calls them; no bar if None.

    Returns:
      numpy [N, ...].
    """
    from tqdm import tqdm

    quiet = None if progress else True
    found = []
    with tqdm(total=len(images), desc=progress, disable=quiet, unit="image") as bar:
        for begin in range(0, len(images), batch_size):
            batch = tf.convert_to_tensor(images[begin : begin + batch_size])
            n = len(batch)
            batch = pixels(batch) if batch.dtype == tf.uint8 else batch
            if begin and n < batch_size:
                batch = tf.pad(batch, [[0, batch_size - n], [0, 0], [0, 0], [0, 0]])
            found.append(function(batch)[:n].numpy())
            bar.update(n)
    return np.concatenate(found)
