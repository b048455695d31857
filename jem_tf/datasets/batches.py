"""Training batches: their order and augmentation are functions of (seed, step).

No state is kept between steps, so a run can resume at any step.

Letters: B images a batch, N images in the data set, [H, W, C] an image.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from jem_tf import pixels
from jem_tf.datasets import Dataset, augmentation, few_labels
from jem_tf.errors import InputError, argument

fold_in = tf.random.experimental.stateless_fold_in
# Streams of seeds [seed, stream]; 0 is JEM's, 5 the replay buffer's.
ORDER, CROP, REAL_ORDER, REAL_CROP, CUTOUT = 1, 2, 3, 4, 7
# (places int64 [B], seed int [2], largest place) -> int64 [B]
Shuffle = Callable[[tf.Tensor, Any, int], tf.Tensor]


def training_batches(
    dataset: Dataset,
    *,
    steps: int,
    batch_size: int,
    seed: int,
    augment: bool = True,
    cutout: int = 0,
    labels_per_class: int = 0,
    p_x_images: str | None = None,
    p_x_batch_size: int = 0,
    p_x_labels: bool = False,
    first: int = 0,
    own: range = range(1),
    replicas: int = 1,
) -> tf.data.Dataset:
    """Makes the batches of training steps `first` to `steps` - 1.

    Args:
      dataset: what `datasets.load` returns.
      steps: the number of steps of the whole training.
      batch_size: labelled images a step, of all replicas together.
      seed: int.
      augment: whether to reflect-pad, crop and (where the set allows it) flip labelled
        images.
      cutout: pixels a side of a square of each labelled image that is set to 0, if
        they are augmented; 0: none.
      labels_per_class: how many training images of a class are labelled; 0: all.
      p_x_images: which images log p(x) learns from, drawn from all training images:
        "augmented", "plain", or None, in which case it learns from the labelled ones.
      p_x_batch_size: images a step for log p(x), of all replicas together; not used if
        `p_x_images` is None.
      p_x_labels: whether the images of log p(x) come with labels, for log p(x, y).
      first: the first step for which to make a batch.
      own: the numbers of this process's replicas, which are consecutive. Their shares
        of a batch are made one after the other.
      replicas: the number of all replicas, which divides both batch sizes.

    Returns:
      tf.data.Dataset of (x, labels int32 [B]), where B is one replica's share of
      `batch_size`. x are images float32 [B, H, W, C] in [-1, 1] or, with `p_x_images`,
      {"labelled": [B, H, W, C], "real": [n, H, W, C]}, where n is one replica's share
      of `p_x_batch_size`. With `p_x_labels` the labels are {"labelled": [B],
      "real": [n]}.

    Raises:
      InputError: if a batch is larger than the images it is drawn from, or a cutout
        than an image.
    """
    make_share = share_maker(
        dataset,
        batch_size=batch_size,
        seed=seed,
        augment=augment,
        cutout=cutout,
        labels_per_class=labels_per_class,
        p_x_images=p_x_images,
        p_x_batch_size=p_x_batch_size,
        p_x_labels=p_x_labels,
        replicas=replicas,
    )

    def make_next(turn: tf.Tensor) -> tuple[Any, Any]:
        step, replica = turn // len(own), own.start + turn % len(own)
        return make_share(*dataset.train, step, replica)

    return (
        tf.data.Dataset.range(first * len(own), steps * len(own))
        .map(make_next, num_parallel_calls=1, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def share_maker(
    dataset: Dataset,
    *,
    batch_size: int,
    seed: int,
    augment: bool = True,
    cutout: int = 0,
    labels_per_class: int = 0,
    p_x_images: str | None = None,
    p_x_batch_size: int = 0,
    p_x_labels: bool = False,
    replicas: int = 1,
    shuffle: Shuffle = tf.random.experimental.index_shuffle,
) -> Callable[..., tuple[Any, Any]]:
    """Makes the function that `training_batches` makes each batch with.

    Args:
      dataset, batch_size, ..., replicas: as for `training_batches`.
      shuffle: `tf.random.experimental.index_shuffle`, or what is equal to it.

    Returns:
      (images uint8 [N, H, W, C], labels int32 [N], step int64 [], replica=0) -> (x, y),
      the replica's share of a step's batch. The images and labels are the training
      images of `dataset`; they are arguments so that a program can hold them once.

    Raises:
      InputError: as `training_batches`.
    """
    n = len(dataset.train.labels)
    labelled = few_labels.find_labelled(dataset, labels_per_class)
    _check_size("batch_size", batch_size, len(labelled))
    _check_size("p_x_batch_size", p_x_batch_size, n)
    _check_cutout(cutout, dataset.train.images.shape[1:3])

    def make_share(
        images: tf.Tensor,
        labels: tf.Tensor,
        step: tf.Tensor,
        replica: int | tf.Tensor = 0,
    ) -> tuple[Any, Any]:
        part, order = (replica, replicas), {"shuffle": shuffle}
        places = order_examples(step, batch_size, len(labelled), [seed, ORDER], **order)
        chosen = tf.gather(labelled, augmentation.take_share(places, *part))
        x, y = tf.gather(images, chosen), tf.gather(labels, chosen)
        if augment:
            x = augmentation.crop_and_flip(
                x, fold_in([seed, CROP], step), dataset.flip, *part
            )
        x = pixels.from_uint8(x)
        if augment and cutout:
            x = augmentation.cut_out(x, cutout, fold_in([seed, CUTOUT], step), *part)
        if p_x_images is None:
            return x, y
        places = order_examples(step, p_x_batch_size, n, [seed, REAL_ORDER], **order)
        chosen = augmentation.take_share(places, *part)
        real, of_real = tf.gather(images, chosen), tf.gather(labels, chosen)
        if augment and p_x_images == "augmented":
            crop_seed = fold_in([seed, REAL_CROP], step)
            real = augmentation.crop_and_flip(real, crop_seed, dataset.flip, *part)
        x = {"labelled": x, "real": pixels.from_uint8(real)}
        return x, {"labelled": y, "real": of_real} if p_x_labels else y

    return make_share


def order_examples(
    step: tf.Tensor,
    batch_size: int,
    n: int,
    seed: list[int] | tf.Tensor,
    *,
    shuffle: Shuffle = tf.random.experimental.index_shuffle,
) -> tf.Tensor:
    """Returns which of n examples a step sees: int64 [batch_size], each once an epoch.

    An epoch is n // batch_size steps. The remaining examples are left out; they are
    different ones in each epoch.

    Args:
      step: int64 [].
      batch_size: int.
      n: int.
      seed: int [2].
      shuffle: as for `share_maker`.
    """
    steps_per_epoch = n // batch_size
    epoch_seed = fold_in(seed, step // steps_per_epoch)
    place = (step % steps_per_epoch) * batch_size + tf.range(batch_size, dtype=tf.int64)
    return shuffle(place, epoch_seed, n - 1)


def _check_cutout(side: int, image_size: Sequence[int]) -> None:
    if side >= min(image_size):
        raise InputError(
            f"{argument('cutout', side)} would cover an image of "
            f"{image_size[0]}x{image_size[1]} pixels; lower it."
        )


def _check_size(name: str, size: int, available: int) -> None:
    if size > available:
        raise InputError(
            f"{argument(name, size)} is larger than the {available} images it is drawn "
            "from; lower it."
        )
