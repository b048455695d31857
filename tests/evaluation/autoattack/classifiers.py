"""Linear classifiers, whose nearest adversarial points are known, and small networks."""

import numpy as np
import tensorflow as tf

from jem_tf.evaluation import attack_gradients
from jem_tf.evaluation.autoattack import standard_set

SHAPE = (4, 4, 2)
DIMENSION = 32
NORMS = {"linf": 1, "l2": 2}  # and the order of the dual norm
WEIGHTS = np.random.default_rng(3).normal(size=(DIMENSION, 5)).astype("float32")


def linear(classes=5):
    """Logits of images [B, 4, 4, 2] in [-1, 1]."""
    return lambda x, seed: tf.reshape(x, [-1, DIMENSION]) @ WEIGHTS[:, :classes]


def network(seed):
    """A network of one hidden layer and five classes, with random weights."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(DIMENSION, 40)).astype("float32")
    second = rng.normal(size=(40, 5)).astype("float32")
    return lambda x, seed: (
        tf.nn.swish(2 * tf.reshape(x, [-1, DIMENSION]) @ first) @ second
    )


def images(classify, n=24, low=0.4, high=0.6):
    """`Images` [n, 4, 4, 2] in [0, 1], whose labels are what the classifier predicts."""
    rng = np.random.default_rng(1)
    x = rng.uniform(low, high, (n, *SHAPE)).astype("float32")
    logits = classify(2 * x - 1, None).numpy()
    return standard_set.describe_images(x, np.argmax(logits, 1), logits)


def distances(given, norm, classes=5):
    """To each other class in the order of `others`: [N, K - 1]; no pixel meets 0 or 1."""
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
    """By the rule of `attacks.is_right`, without it: bool [N]."""
    return np.argmax(classify(2 * points - 1, None).numpy(), 1) != labels


def pgd_view(classify):
    return attack_gradients.make_attack_view(classify, SHAPE)
