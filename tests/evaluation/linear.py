"""Linear classifiers of two classes, whose attacks have closed forms."""

import numpy as np
import tensorflow as tf

SHAPE = (3, 3, 2)
WEIGHTS = np.random.default_rng(0).normal(size=(18, 2)).astype("float32")


def linear(x, seed):
    """Logits of images [B, 3, 3, 2] in [-1, 1]; nothing is random."""
    return tf.reshape(x, [-1, 18]) @ WEIGHTS


def noisy(x, seed):
    return linear(x + 0.3 * tf.random.stateless_normal(tf.shape(x), seed), seed)


def images(n=6, low=0.4, high=0.6):
    """float32 [n, 3, 3, 2] in [0, 1]."""
    return np.random.default_rng(1).uniform(low, high, (n, *SHAPE)).astype("float32")


def predictions(x):
    return np.argmax(linear(2 * x - 1, None), axis=1).astype("int32")


def margin(x, labels):
    """By hand: max_{j != y} f_j - f_y of two classes, of x in [0, 1]."""
    logits = linear(2 * x - 1, None).numpy()
    rows = np.arange(len(x))
    return logits[rows, 1 - labels] - logits[rows, labels]
