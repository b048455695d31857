"""The labels that a semi-supervised run may use: the first few of each class."""

import tensorflow as tf

from jem_tf.datasets import Dataset
from jem_tf.errors import InputError, argument


def find_labelled(dataset: Dataset, labels_per_class: int) -> tf.Tensor:
    """Finds the training images whose labels may be used.

    Args:
      dataset: Dataset.
      labels_per_class: how many of each class, the first ones; 0: all.

    Returns:
      int32 [n], their indices.

    Raises:
      InputError: if a class has fewer images.
    """
    labels, class_names = dataset.train.labels, dataset.class_names
    if not labels_per_class:
        return tf.range(len(labels))
    one_hot = tf.one_hot(labels, len(class_names), dtype=tf.int32)
    counts = tf.reduce_sum(one_hot, axis=0).numpy()
    if counts.min() < labels_per_class:
        raise InputError(
            f"{argument('labels_per_class', labels_per_class)} is more than the "
            f"{counts.min()} training images of class "
            f"{class_names[counts.argmin()]!r}; lower it, or add images."
        )
    rank = tf.reduce_sum(tf.cumsum(one_hot, exclusive=True) * one_hot, axis=1)
    return tf.where(rank < labels_per_class)[:, 0]
