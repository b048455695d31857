"""Batches of images in memory: their order and augmentation depend on (seed, step).

Nothing is remembered between two steps, so that a run can go on at any of them.
"""

import tensorflow as tf

from jem_tf.datasets import pixels
from jem_tf.errors import InputError

fold_in = tf.random.experimental.stateless_fold_in
PAD_SHARE = 8  # reflect-pad by an eighth of the image: the paper's 4 pixels of 32
# Streams of seeds [seed, stream]; 0 is JEM's, 5 the replay buffer's.
ORDER, CROP, REAL_ORDER, REAL_CROP = 1, 2, 3, 4


def training(
    dataset,
    *,
    steps,
    batch_size,
    seed,
    augment=True,
    labels_per_class=0,
    real=None,
    real_batch_size=0,
    first=0,
    own=range(1),
    replicas=1,
):
    """The batches of training steps first .. steps - 1.

    Args:
      dataset: what `datasets.load` returns.
      steps: int.
      batch_size: labelled images a step.
      seed: int.
      augment: whether to reflect-pad, crop and (where the set allows it) flip labelled
        images.
      labels_per_class: how many training images of a class are labelled; 0: all.
      real: None, or which images log p(x) learns from, drawn from all training images:
        "augmented" or "plain".
      real_batch_size: how many of them a step.
      first: the step to begin with.
      own: which replicas' shares of a batch to give, one after the other (consecutive
        numbers), of
      replicas: many; they divide both batch sizes.

    Returns:
      tf.data.Dataset of (x, labels int32 [B]), B being a replica's; x are images
      float32 [B, H, W, C] in [-1, 1], or, with `real`, {"labelled": [B, H, W, C],
      "real": [n, H, W, C]}, n being a replica's share of real_batch_size.

    Raises:
      InputError: if a batch is larger than the images it is drawn from.
    """
    images, labels = dataset.train
    labelled = _labelled(labels, len(dataset.class_names), labels_per_class)
    for flag, size, available in (
        ("batch_size", batch_size, len(labelled)),
        ("p_x_batch_size", real_batch_size, len(labels)),
    ):
        if size > available:
            raise InputError(
                f"--{flag}={size} is larger than the {available} images it is drawn "
                "from; lower it."
            )

    def share(turn):
        step, replica = turn // len(own), own.start + turn % len(own)
        part = replica, replicas
        places = order(step, batch_size, len(labelled), [seed, ORDER])
        which = tf.gather(labelled, rows(places, *part))
        x, y = tf.gather(images, which), tf.gather(labels, which)
        if augment:
            x = crop_and_flip(x, fold_in([seed, CROP], step), dataset.flip, *part)
        if real is None:
            return pixels(x), y
        places = order(step, real_batch_size, len(labels), [seed, REAL_ORDER])
        others = tf.gather(images, rows(places, *part))
        if augment and real == "augmented":
            crop_seed = fold_in([seed, REAL_CROP], step)
            others = crop_and_flip(others, crop_seed, dataset.flip, *part)
        return {"labelled": pixels(x), "real": pixels(others)}, y

    return (
        tf.data.Dataset.range(first * len(own), steps * len(own))
        .map(share, num_parallel_calls=1, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def rows(x, replica, replicas):
    """The share of one of so many replicas in x [B, ...]: [B / replicas, ...]."""
    return tf.reshape(x, [replicas, -1, *x.shape[1:]])[replica]


def order(step, batch_size, n, seed):
    """Which of n examples step `step` sees: int64 [batch_size], each once an epoch.

    An epoch is n // batch_size steps; the remainder, other examples each time, is
    dropped.
    """
    steps_per_epoch = n // batch_size
    epoch_seed = fold_in(seed, step // steps_per_epoch)
    place = (step % steps_per_epoch) * batch_size + tf.range(batch_size, dtype=tf.int64)
    return tf.random.experimental.index_shuffle(place, epoch_seed, n - 1)


def crop_and_flip(images, seed, flip, replica=0, replicas=1):
    """Reflect-pads uint8 [B, H, W, C] by an eighth, crops, mirrors half if `flip`.

    The images may be one replica's share of the whole batch that `seed` is for.
    """
    share, height, width = images.shape[:3]
    crop_seed, flip_seed = tf.unstack(tf.random.split(seed))
    pad = min(height, width) // PAD_SHARE
    padded = tf.pad(images, [[0, 0], [pad, pad], [pad, pad], [0, 0]], "REFLECT")
    corner = tf.random.stateless_uniform(
        [share * replicas, 2, 1], crop_seed, 0, 2 * pad + 1, tf.int32
    )
    corner = rows(corner, replica, replicas)
    cropped = tf.gather(padded, corner[:, 0] + tf.range(height), axis=1, batch_dims=1)
    cropped = tf.gather(cropped, corner[:, 1] + tf.range(width), axis=2, batch_dims=1)
    if not flip:
        return cropped
    mirror = tf.random.stateless_uniform([share * replicas, 1, 1, 1], flip_seed) < 0.5
    return tf.where(rows(mirror, replica, replicas), cropped[:, :, ::-1], cropped)


def _labelled(labels, num_classes, labels_per_class):
    """The indices of the labelled images: all, or the first few of each class."""
    if not labels_per_class:
        return tf.range(len(labels))
    one_hot = tf.one_hot(labels, num_classes, dtype=tf.int32)
    rank = tf.reduce_sum(tf.cumsum(one_hot, exclusive=True) * one_hot, axis=1)
    chosen = tf.where(rank < labels_per_class)[:, 0]
    if len(chosen) < num_classes * labels_per_class:
        raise InputError(
            f"--labels_per_class={labels_per_class} is more than a class has training "
            "images; lower it."
        )
    return chosen
