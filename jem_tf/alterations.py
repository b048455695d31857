"""Real images made wrong: negatives that are made of training images alone.

    jigsaw    2 x 2 or 4 x 4 pieces, each in the place of another
    average   over squares of an eighth or a quarter of the side, or over the whole
    mean      of two images
    patches   squares of a quarter of the side, from one image or from another
    noise     Gaussian, of a deviation from .1 to .6

Chains of a sampler reach few images that are smooth, or right in parts: without such
among the negatives, log p(x) of a constant image may be high. No image of another data
set is used.

To add an alteration, write a function of `Batch` and enter it in ALTERATIONS.

Letters: n images [H, W, C] with pixels in [-1, 1].
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

PIECES = (2, 4)  # of a jigsaw, along each side
CELLS = (8, 4, 1)  # squares along a side that are averaged: 4, 8, 32 pixels of 32
PATCHES = 4  # squares along a side that come from one of two images
NOISE = (0.1, 0.6)  # least and largest deviation, in pixels of [-1, 1]
CHANCES = 1 + max(PIECES) ** 2  # random numbers an image that an alteration may use


class Batch(NamedTuple):
    """What an alteration gets.

    images: float32 [n, H, W, C].
    partners: float32 [n, H, W, C], for each image another one of the batch.
    chances: float32 [n, CHANCES], U(0, 1).
    normal: float32 [n, H, W, C], N(0, 1).
    """

    images: tf.Tensor
    partners: tf.Tensor
    chances: tf.Tensor
    normal: tf.Tensor


def alter(
    images: tf.Tensor, seed: Any, *, partners: tf.Tensor | None = None
) -> tf.Tensor:
    """Alters each image in one way, all ways being equally likely.

    All ways are computed for all images, of the same random numbers, and one is kept:
    this compiles with XLA, in little time.

    Args:
      images: float32 [n, H, W, C] in [-1, 1], H and W at least 2.
      seed: int [2], which with the images determines the result.
      partners: float32 [n, H, W, C], another image for each, for alterations of two.
        None: the one k places on in `images`, k at random; of a single image these
        alterations are left out.

    Returns:
      float32 [n, H, W, C] in [-1, 1].
    """
    n = tf.shape(images)[0]
    chance_seed, normal_seed = tf.unstack(tf.random.split(seed))
    chances = tf.random.stateless_uniform([n, 2 + CHANCES], chance_seed)
    normal = tf.random.stateless_normal(tf.shape(images), normal_seed)
    kinds: Any = len(ALTERATIONS)
    if partners is None:
        step = 1 + _below(tf.maximum(n - 1, 1), chances[0, 0])
        partners = tf.gather(images, (tf.range(n) + step) % n)
        kinds = tf.where(n > 1, kinds, kinds - OF_TWO)
    which = _each(_below(kinds, chances[:, 1]))
    batch, altered = Batch(images, partners, chances[:, 2:], normal), images
    for i, make in enumerate(ALTERATIONS.values()):
        altered = tf.where(which == i, make(batch), altered)
    return altered


def jigsaw(batch: Batch) -> tf.Tensor:
    """Cuts images in 2 x 2 or 4 x 4 pieces, none of which stays in its place.

    Pixels that are left over where the side is no multiple of the pieces stay.
    """
    which, u = _each(batch.chances[:, 0] < 0.5), batch.chances[:, 1:]
    return tf.where(which, *(_cut(batch.images, count, u) for count in PIECES))


def average(batch: Batch) -> tf.Tensor:
    """Averages images over squares, down to one colour for the whole image."""
    x = batch.images
    which, averaged = _each(_below(len(CELLS), batch.chances[:, 0])), x
    for i, cells in enumerate(CELLS):
        averaged = tf.where(which == i, _average(x, cells), averaged)
    return averaged


def noise(batch: Batch) -> tf.Tensor:
    """Adds Gaussian noise of one deviation an image, clipped to [-1, 1]."""
    least, most = NOISE
    size = _each(least + (most - least) * batch.chances[:, 0])
    return tf.clip_by_value(batch.images + size * batch.normal, -1.0, 1.0)


def mean(batch: Batch) -> tf.Tensor:
    """The mean of two images."""
    return (batch.images + batch.partners) / 2


def patches(batch: Batch) -> tf.Tensor:
    """Takes each square from one of two images; some are from each."""
    x = batch.images
    rows, columns = (_cells_of(side, PATCHES) for side in x.shape[1:3])
    count = (rows[-1] + 1) * (columns[-1] + 1)
    square = rows[:, None] * (columns[-1] + 1) + columns[None, :]
    own = batch.chances[:, :count] < 0.5
    own &= np.arange(count) != 0
    own |= np.arange(count) == count - 1
    return tf.where(tf.gather(own, square, axis=1)[..., None], x, batch.partners)


Alteration = Callable[[Batch], tf.Tensor]
# The last OF_TWO need two images.
ALTERATIONS: dict[str, Alteration] = {
    "jigsaw": jigsaw,
    "average": average,
    "noise": noise,
    "mean": mean,
    "patches": patches,
}
OF_TWO = 2


def _below(bound: Any, chance: tf.Tensor) -> tf.Tensor:
    """Turns U(0, 1) into uniform int32 in [0, bound)."""
    return tf.cast(chance * tf.cast(bound, tf.float32), tf.int32)


def _each(x: tf.Tensor) -> tf.Tensor:
    """One value an image, in the shape of images: [n] -> [n, 1, 1, 1]."""
    return x[:, None, None, None]


def _cells_of(side: int, count: int, *, least: int = 1) -> np.ndarray:
    """Which of `count` cells of at least `least` pixels one is in: int32 [side]."""
    width = max(least, -(-side // count))
    return (np.arange(side) // width).astype("int32")


def _average(x: tf.Tensor, cells: int) -> tf.Tensor:
    rows, columns = (
        (lambda cell: cell[:, None] == cell[None, :])(_cells_of(side, cells, least=2))
        for side in x.shape[1:3]
    )
    rows, columns = (same / same.sum(1, keepdims=True) for same in (rows, columns))
    return tf.einsum(
        "nhwc,ih,jw->nijc",
        x,
        tf.constant(rows, x.dtype),
        tf.constant(columns, x.dtype),
    )


def _cut(x: tf.Tensor, count: int, chances: tf.Tensor) -> tf.Tensor:
    """Cuts images in count x count pieces, or as many as they have pixels for."""
    height, width = x.shape[1:3]
    down, across = min(count, height), min(count, width)
    source = _next_in_a_ring(chances[:, : down * across])
    tall, wide = height // down, width // across
    row, column = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    inside = (row < tall * down) & (column < wide * across)
    piece = np.where(inside, (row // tall) * across + column // wide, 0)
    other = tf.gather(source, piece.astype("int32"), axis=1)  # [n, H, W]
    from_row = (other // across) * tall + row % tall
    from_column = (other % across) * wide + column % wide
    place = tf.where(inside, from_row * width + from_column, row * width + column)
    flat = tf.reshape(x, [-1, height * width, x.shape[3]])
    taken = tf.gather(flat, tf.reshape(place, [-1, height * width]), batch_dims=1)
    return tf.reshape(taken, tf.shape(x))


def _next_in_a_ring(chances: tf.Tensor) -> tf.Tensor:
    """Permutations that leave no place where it is: U(0, 1) [n, P] -> int32 [n, P].

    The P places stand in a ring in the order of their numbers; each goes to the next.
    """
    u, count = chances, chances.shape[1]
    rank = tf.reduce_sum(tf.cast(u[:, None] < u[:, :, None], tf.int32), axis=2)
    follows = rank[:, None] == (rank[:, :, None] + 1) % count
    return tf.argmax(follows, axis=2, output_type=tf.int32)
