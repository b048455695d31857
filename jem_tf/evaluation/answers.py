"""What a model says of many images, a batch at a time."""

import numpy as np
import tensorflow as tf

from jem_tf.datasets import pixels


def logits(model, images, *, batch_size=500):
    """Logits of images in memory: uint8 or float [N, H, W, C] -> numpy float32 [N, K].

    Args:
      model: a JEM.
      images: uint8 in 0..255, or float in [-1, 1].
      batch_size: images at a time; the last batch is padded, and the padding cut off
        again.
    """
    answers = []
    for begin in range(0, len(images), batch_size):
        batch = tf.convert_to_tensor(images[begin : begin + batch_size])
        n = len(batch)
        batch = pixels(batch) if batch.dtype == tf.uint8 else batch
        if begin and n < batch_size:
            batch = tf.pad(batch, [[0, batch_size - n], [0, 0], [0, 0], [0, 0]])
        answers.append(model.logits(batch)[:n].numpy())
    return np.concatenate(answers)
