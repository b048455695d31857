"""Where chains start: distributions of images, one signature.

    start(n, seed, labels=None) -> float [n, H, W, C], pixels in [-1, 1]

n is an int or a scalar tensor; seed an int [2]; labels int [n], or None for classes
drawn evenly.
"""

import numpy as np
import tensorflow as tf


def uniform(image_shape):
    """U(-1, 1) in every pixel, whatever the label (the paper's Algorithm 1)."""

    def start(n, seed, labels=None):
        del labels
        return tf.random.stateless_uniform([n, *image_shape], seed, -1.0, 1.0)

    return start


def gaussian(images, labels, num_classes, *, rank=256):
    """A Gaussian round the mean image of each class, clipped to [-1, 1].

    The "informative" start of JEM++ (Yang & Ji, ICCV 2021, section 4.2) keeps a full
    covariance a class, 3.8 GB for CIFAR-100; here all classes share one of at most
    `rank` directions.

    Args:
      images: float [N, H, W, C] in [-1, 1], training images.
      labels: int [N] in [0, num_classes); every class must occur.
      num_classes: K.
      rank: how many principal directions of the pixels round their class's mean are
        kept.
    """
    from sklearn.decomposition import PCA

    labels, shape = np.asarray(labels), images.shape[1:]
    pixels = np.reshape(images, [len(images), -1])
    means = np.stack([pixels[labels == y].mean(0) for y in range(num_classes)])
    rank = min(rank, *pixels.shape)
    pca = PCA(rank, svd_solver="randomized", random_state=0).fit(pixels - means[labels])
    scale = np.sqrt(pca.explained_variance_)[:, None]
    means, factor = tf.constant(means), tf.constant(scale * pca.components_)

    def start(n, seed, labels=None):
        label_seed, pixel_seed = tf.unstack(tf.random.split(seed))
        if labels is None:
            labels = tf.random.stateless_uniform(
                [n], label_seed, 0, num_classes, tf.int32
            )
        around = tf.random.stateless_normal([n, rank], pixel_seed) @ factor
        start = tf.clip_by_value(tf.gather(means, labels) + around, -1.0, 1.0)
        return tf.reshape(start, [n, *shape])

    return start


def mixture(first, second, share):
    """Starts as `first` with probability `share`, else as `second`.

    Some uniform noise in an informative start keeps noise among the negatives: nothing
    else tells a model that noise is improbable.
    """

    def start(n, seed, labels=None):
        which_seed, first_seed, second_seed = tf.unstack(tf.random.split(seed, 3))
        which = tf.random.stateless_uniform([n, 1, 1, 1], which_seed) < share
        ours, others = first(n, first_seed, labels), second(n, second_seed, labels)
        return tf.where(which, ours, others)

    return start
