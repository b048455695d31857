"""Square attack: random changes of square windows, kept if they help (1912.00049).

It lowers z_y - max_{j != y} z_j by queries alone, without a gradient. So it shows where
other attacks are misled by gradients that do not point at other classes.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.autoattack import (
    balls,
    image_states,
    losses,
    square_windows,
)
from jem_tf.evaluation.autoattack.image_states import Found, rows_where
from jem_tf.evaluation.refinement import Classify

CHUNK = 50  # queries between which broken images leave the batches

# (images, *, radius, queries, seed, batch_size) -> Found
Square = Callable[..., Found]


def make_square(classify: Classify, *, norm: str) -> Square:
    """Makes the attack on a classifier; its graph is compiled once for all radii.

    Args:
      classify: the classifier.
      norm: a key of `PROPOSALS`.

    Returns:
      A `Square`: (images, *, radius: float, queries: int, seed: ints, batch_size: int)
      -> Found. The first point is one more query.
    """
    propose = PROPOSALS[norm]

    @image_states.compile_for_any_batch
    def advance(state, first, count, draws, radius, sides, patterns):
        def step(t, s):
            x, labels = s["x"], s["labels"]
            drawn, side = draws[:, t - first], sides[t]
            # The first step evaluates the point that the state begins with.
            point = tf.cond(
                t == 0,
                lambda: s["found"],
                lambda: propose(x, s["found"], drawn, radius, side, patterns),
            )
            logits = classify(2 * point - 1, tf.zeros([2], tf.int32))
            lead = losses.lead(logits, labels)
            wrong = losses.is_wrong(logits, labels)
            kept = ((lead < s["lead"]) | wrong) & ~s["broken"]
            return {
                "found": rows_where(kept, point, s["found"]),
                "lead": tf.where(kept, lead, s["lead"]),
                "broken": s["broken"] | wrong,
            }

        return image_states.while_unbroken(step, state, first, count)

    def attack(images, *, radius, queries, seed, batch_size):
        n, *shape = images.x.shape
        begin = {"linf": square_windows.stripes, "l2": square_windows.tiles}[norm]
        starts = [
            begin(np.random.default_rng([*seed, i]), tuple(shape)) for i in images.ids
        ]
        state = {
            "x": images.x,
            "labels": images.labels,
            "found": np.clip(images.x + radius * np.array(starts, "float32"), 0, 1),
            "lead": np.full(n, np.inf, "float32"),
            "broken": np.zeros(n, bool),
        }

        def draw(rows, first, count):
            """Random numbers [B, count, ...]: two corners, an orientation, C signs."""
            generators = (
                np.random.default_rng([*seed, i, 1 + first])  # 0: as `starts` has
                for i in images.ids[rows]
            )
            size = (count, 5 + shape[-1])
            drawn = [each.random(size, "float32") for each in generators]
            return tf.constant(np.array(drawn))

        sides = square_windows.window_sides(queries, tuple(shape), norm)
        size = tf.constant(radius, tf.float32)
        patterns = tf.constant(_all_patterns(sides))
        image_states.advance_images(
            lambda part, first, count, draws: advance(
                part, first, count, draws, size, tf.constant(sides), patterns
            ),
            state,
            steps=queries + 1,
            chunk=CHUNK,
            batch_size=batch_size,
            draw=draw,
        )
        return Found(state["found"], state["broken"])

    return attack


def _linf_propose(x, point, drawn, radius, side, patterns):
    """Sets a window of each channel to the image + radius or - radius."""
    height, width = x.shape[1:3]
    inside, *_ = square_windows.place_window(drawn[:, :2], side, height, width)
    signs = _signs(drawn)[:, None, None, :]
    moved = tf.where(inside[..., None], x + radius * signs, point)
    return balls.BALLS["linf"].project(x, moved, radius)


def _l2_propose(x, point, drawn, radius, side, patterns):
    """Moves what a second window has of the radius to a first one, with a pattern."""
    height, width = x.shape[1:3]
    place = square_windows.place_window
    first, rows, columns = place(drawn[:, :2], side, height, width)
    second, *_ = place(drawn[:, 2:4], side, height, width)
    first, second = (tf.cast(mask, tf.float32)[..., None] for mask in (first, second))
    away = point - x
    windows = tf.maximum(first, second) * away
    budget = tf.reduce_sum(windows**2, [1, 2], keepdims=True)  # of each channel
    unused = tf.reduce_sum(away**2, [1, 2, 3], keepdims=True)
    unused = tf.maximum(radius**2 - unused, 0.0) / x.shape[-1]
    placed = _place(patterns[side], rows, columns, drawn[:, 4] < 0.5)
    mixed = placed[..., None] * _signs(drawn)[:, None, None, :] + _unit(first * away)
    size = tf.sqrt(budget + unused)
    away = away * (1 - tf.maximum(first, second)) + first * _unit(mixed) * size
    moved = x + radius * balls.BALLS["l2"].direction(away)
    return balls.BALLS["l2"].project(x, moved, radius)


PROPOSALS = {"linf": _linf_propose, "l2": _l2_propose}


def _signs(drawn: tf.Tensor) -> tf.Tensor:
    """The signs of the channels [B, C], 1 or -1."""
    return tf.where(drawn[:, 5:] < 0.5, -1.0, 1.0)


def _unit(difference: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] -> the same, of length 1 in each channel."""
    length = tf.sqrt(tf.reduce_sum(difference**2, [1, 2], keepdims=True))
    return difference / (length + balls.TINY)


def _place(
    pattern: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, turned: tf.Tensor
) -> tf.Tensor:
    """Puts a pattern [S, S], or its transpose, where windows are: [B, H, W]."""
    size = pattern.shape[-1]
    down, across = (tf.one_hot(count, size) for count in (rows, columns))
    both = tf.stack([pattern, tf.transpose(pattern)])
    chosen = tf.gather(both, tf.cast(turned, tf.int32))
    return tf.einsum("bhs,bst,bwt->bhw", down, chosen, across)


def _all_patterns(sides: np.ndarray) -> np.ndarray:
    """The patterns of all sides, padded with 0 to the largest: [largest + 1, S, S]."""
    largest = sides.max()
    patterns = np.zeros((largest + 1, largest, largest), "float32")
    for side in set(sides):
        patterns[side, :side, :side] = square_windows.pattern(side)
    return patterns
