"""Distance to the k-th nearest training image, in normalised features.

Source: Sun et al., ICML 2022 (arXiv 2204.06507), equation 1: features h / ||h||, the
Euclidean distance. k is half a percent of the training images here, and 50 at most.
"""

import numpy as np
import tensorflow as tf

from jem_tf.ood_scores.interface import Known, Outputs, Score, State

MOST_NEIGHBOURS, SHARE = 50, 200  # k is N / SHARE, and MOST_NEIGHBOURS at most


def neighbours(count: int) -> int:
    """k for a bank of `count` images, at least 1."""
    return max(1, min(MOST_NEIGHBOURS, count // SHARE))


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Keeps the normalised features of the training images, float16 [N, D]."""
    features = _normalise(known.train.outputs.features)
    return {"knn/bank": np.asarray(features, "float16")}


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """Minus the distance to the k-th nearest of the bank, float32 [N] in [-2, 0]."""
    bank = tf.cast(state["knn/bank"], tf.float32)
    features = _normalise(outputs.features)
    nearness = 2 * tf.matmul(features, bank, transpose_b=True)
    nearness -= tf.reduce_sum(bank**2, axis=1)
    nearest, _ = tf.math.top_k(nearness, neighbours(bank.shape[0]))
    squared = tf.reduce_sum(features**2, axis=1) - nearest[:, -1]
    return -tf.sqrt(tf.maximum(squared, 0.0))


def _normalise(features: tf.Tensor) -> tf.Tensor:
    """h / ||h||, and 0 for h = 0: [N, D] -> float32 [N, D]."""
    features = tf.cast(features, tf.float32)
    return tf.math.divide_no_nan(features, tf.norm(features, axis=1, keepdims=True))


SCORE = Score(
    compute,
    "minus the distance to the k-th nearest training image in normalised features",
    fit,
    "train",
    features=True,
)
