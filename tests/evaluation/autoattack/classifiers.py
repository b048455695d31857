"""Linear classifiers, whose nearest adversarial points are known, and a network."""

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.autoattack import standard_set

SHAPE = (4, 4, 2)
DIMENSION = 32
NORMS = {"linf": 1, "l2": 2}  # and the order of the dual norm
WEIGHTS = np.random.default_rng(3).normal(size=(DIMENSION, 5)).astype("float32")


def linear(classes=5):
    """Logits of images [B, 4, 4, 2] in [-1, 1]."""
    return lambda x, seed: tf.reshape(x, [-1, DIMENSION]) @ WEIGHTS[:, :classes]


class Network:
    """A network of one hidden layer and five classes; new weights need no new graph."""

    def __init__(self):
        self._first = tf.Variable(tf.zeros([DIMENSION, 40]))
        self._second = tf.Variable(tf.zeros([40, 5]))

    def with_weights(self, seed):
        rng = np.random.default_rng(seed)
        for weights in (self._first, self._second):
            weights.assign(rng.normal(size=weights.shape))
        return self

    def __call__(self, x, seed):
        return tf.nn.swish(tf.reshape(x, [-1, DIMENSION]) @ self._first) @ self._second


def images(classify, n=24, low=0.4, high=0.6):
    """`Images` [n, 4, 4, 2] in [0, 1], labelled as the classifier predicts."""
    rng = np.random.default_rng(1)
    x = rng.uniform(low, high, (n, *SHAPE)).astype("float32")
    logits = classify(2 * x - 1, None).numpy()
    return standard_set.describe_images(x, np.argmax(logits, 1), logits)


def distances(given, norm, classes=5):
    """To other classes as in `others`: [N, K - 1]; no pixel meets 0 or 1 on the way."""
    logits = linear(classes)(2 * given.x - 1, None).numpy()
    rows = np.arange(len(logits))[:, None]
    own = given.labels[:, None]
    gaps = logits[rows, own] - logits[rows, given.others]
    slopes = 2 * (WEIGHTS[:, given.others] - WEIGHTS[:, own])
    return gaps / np.linalg.norm(slopes, NORMS[norm], axis=0)


def lengths(moved, norm):
    """Of differences [N, H, W, C]: float [N]."""
    order = np.inf if norm == "linf" else 2
    return np.linalg.norm(moved.reshape(len(moved), -1), order, axis=1)


def assert_within(points, x, radius, norm):
    assert lengths(points - x, norm).max() <= radius + 1e-6
    assert points.min() >= 0
    assert points.max() <= 1


def wrong(classify, points, labels):
    """By the rule of `inference.is_right`, without it: bool [N]."""
    return np.argmax(classify(2 * points - 1, None).numpy(), 1) != labels
