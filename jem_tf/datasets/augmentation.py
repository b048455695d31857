"""Augmentation of training images: crops, mirrors and cutouts that a seed determines.

A batch may be shared by replicas; each makes its share from the seed of the whole.

Letters: B images of a share, [H, W, C] an image.
"""

import tensorflow as tf

PAD_SHARE = 8  # reflect-pad by an eighth of the image: the paper's 4 pixels of 32


def crop_and_flip(
    images: tf.Tensor,
    seed: tf.Tensor,
    flip: bool,
    replica: int | tf.Tensor = 0,
    replicas: int = 1,
) -> tf.Tensor:
    """Pads uint8 [B, H, W, C] by reflection, crops, and mirrors half if `flip`.

    The padding is an eighth of the shorter side. `seed` (int [2]) is that of the whole
    batch, of which the images may be one replica's share.
    """
    share, height, width = images.shape[:3]
    crop_seed, flip_seed = tf.unstack(tf.random.split(seed))
    pad = min(height, width) // PAD_SHARE
    padded = tf.pad(images, [[0, 0], [pad, pad], [pad, pad], [0, 0]], "REFLECT")
    corner = tf.random.stateless_uniform(
        [share * replicas, 2, 1], crop_seed, 0, 2 * pad + 1, tf.int32
    )
    corner = take_share(corner, replica, replicas)
    cropped = tf.gather(padded, corner[:, 0] + tf.range(height), axis=1, batch_dims=1)
    cropped = tf.gather(cropped, corner[:, 1] + tf.range(width), axis=2, batch_dims=1)
    if not flip:
        return cropped
    mirror = tf.random.stateless_uniform([share * replicas, 1, 1, 1], flip_seed) < 0.5
    return tf.where(take_share(mirror, replica, replicas), cropped[:, :, ::-1], cropped)


def cut_out(
    images: tf.Tensor,
    side: int,
    seed: tf.Tensor,
    replica: int | tf.Tensor = 0,
    replicas: int = 1,
) -> tf.Tensor:
    """Sets a square of each image float [B, H, W, C] in [-1, 1] to 0, the middle grey.

    Its centre is any pixel of the image, so that a part of the square may be outside
    (DeVries & Taylor 2017). `side` is in pixels. `seed` (int [2]) is that of the whole
    batch, of which the images may be one replica's share.
    """
    share, inside = images.shape[0], []
    for axis, seed_of_axis in enumerate(tf.unstack(tf.random.split(seed)), start=1):
        length = images.shape[axis]
        centre = tf.random.stateless_uniform(
            [share * replicas, 1], seed_of_axis, 0, length, tf.int32
        )
        offset = tf.range(length) - take_share(centre, replica, replicas) + side // 2
        inside.append((offset >= 0) & (offset < side))
    square = inside[0][:, :, None, None] & inside[1][:, None, :, None]
    return tf.where(square, 0.0, images)


def take_share(x: tf.Tensor, replica: int | tf.Tensor, replicas: int) -> tf.Tensor:
    """Returns the share of one of `replicas` in x [B, ...]: [B / replicas, ...]."""
    return tf.reshape(x, [replicas, -1, *x.shape[1:]])[replica]
