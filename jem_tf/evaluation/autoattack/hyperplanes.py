"""The shortest way from a point to a hyperplane, within the box [0, 1]."""

import tensorflow as tf

TOLERANCE = 1e-5  # of the gap, that may be left to the hyperplane
MOST_STEPS = 100  # of Newton's method; a dozen are usual


def shortest_moves(
    points: tf.Tensor, slopes: tf.Tensor, gaps: tf.Tensor, *, norm: str
) -> tf.Tensor:
    """Finds the shortest moves that change linear functions by given amounts.

    Minimises ||d|| so that <w, d> = gap and points + d stays in [0, 1]. If the box has
    no such d, the result is the d with the nearest <w, d>. (1907.02044, equation 4.)

    A shortest move has the components sign(w) min(l c, room), with c = 1 in L-inf and
    c = |w| in L2, and the room in that direction. <w, d> is concave and increasing in
    l, so that Newton's method from l = 0 comes to the gap from below.

    Args:
      points: float32 [B, D] in [0, 1].
      slopes: float32 [B, D], w; a row of 0 is not moved.
      gaps: float32 [B].
      norm: "linf" or "l2".

    Returns:
      float32 [B, D], d.
    """
    scale = tf.maximum(tf.reduce_max(tf.abs(slopes), 1, keepdims=True), 1e-37)
    slopes, gaps = slopes / scale, gaps[:, None] / scale
    w = slopes * tf.sign(gaps)
    gaps, steep = tf.abs(gaps), tf.abs(w)
    room = tf.where(w > 0, 1 - points, points)
    speed = steep if norm == "l2" else tf.ones_like(steep)

    def advance(t, size, unfinished):
        gained = tf.reduce_sum(steep * tf.minimum(size * speed, room), 1, keepdims=True)
        free = tf.where(size * speed < room, steep * speed, 0.0)
        rate = tf.reduce_sum(free, 1, keepdims=True)
        left = gaps - gained
        going = (left > TOLERANCE * gaps) & (rate > 0)
        larger = size + left / tf.where(rate > 0, rate, 1.0)
        return t + 1, tf.where(going, larger, size), going

    def going(t, size, unfinished):
        return (t < MOST_STEPS) & tf.reduce_any(unfinished)

    start = tf.constant(0), tf.zeros_like(gaps), tf.ones_like(gaps, tf.bool)
    _, size, _ = tf.while_loop(going, advance, start, parallel_iterations=1)
    moves = tf.sign(w) * tf.minimum(size * speed, room)
    return tf.where(steep > 0, moves, 0.0)
