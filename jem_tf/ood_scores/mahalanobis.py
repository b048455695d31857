"""Mahalanobis distance of the features to the nearest class.

Source: Lee et al., NeurIPS 2018 (arXiv 1807.03888), equations 1 and 2: a Gaussian for
each class, with one covariance S for all; on the last features alone, and without the
paper's perturbation of the image.
"""

import numpy as np
import tensorflow as tf

from jem_tf.ood_scores.interface import HIDDEN, Known, Outputs, Score, State
from jem_tf.ood_scores.whitening import whiten

# Directions with less than this share of the largest variance are left out: float32
# rounding is not far below.
LEAST_VARIANCE = 1e-6


def fit(known: Known, state: State) -> dict[str, np.ndarray]:
    """Fits the Gaussians to the training images whose labels are not hidden.

    Classes without such images are left out. With one image a class S is 0, and the
    score NaN.

    Returns:
      "centre" [D], the mean of the features; "whitening" [D, R], a root of the
      pseudo-inverse of S; "means" [C, R], whitened means of the classes.
    """
    (_, features, *_), labels = known.train
    features, labels = (np.asarray(x)[labels != HIDDEN] for x in (features, labels))
    features = features.astype("float64")
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([features[own == y].mean(axis=0) for y in range(len(classes))])
    off = features - means[own]
    whitening = whiten(off.T @ off / len(off), LEAST_VARIANCE)
    centre = features.mean(axis=0)
    return {
        "mahalanobis/centre": centre.astype("float32"),
        "mahalanobis/whitening": whitening.astype("float32"),
        "mahalanobis/means": ((means - centre) @ whitening).astype("float32"),
    }


def compute(outputs: Outputs, state: State) -> tf.Tensor:
    """max_c -(h - m_c)' S^-1 (h - m_c), float32 [N], 0 at most."""
    centred = tf.cast(outputs.features, tf.float32) - state["mahalanobis/centre"]
    white = tf.matmul(centred, state["mahalanobis/whitening"])
    means = tf.convert_to_tensor(state["mahalanobis/means"])
    squared = (
        tf.reduce_sum(white**2, axis=1)[:, None]
        + tf.reduce_sum(means**2, axis=1)
        - 2 * tf.matmul(white, means, transpose_b=True)
    )
    return -tf.maximum(tf.reduce_min(squared, axis=1), 0.0)


SCORE = Score(
    compute,
    "minus the squared Mahalanobis distance of the features to the nearest class",
    fit,
    "train",
    features=True,
)
