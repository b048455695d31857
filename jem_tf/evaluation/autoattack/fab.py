"""FAB: the nearest point of another class, by projections on hyperplanes (1907.02044).

At a point, z_t - z_y is taken for linear; its zeros are a hyperplane. The next point is
a mean of the projections of the point and of the image on it, each somewhat beyond the
hyperplane. From a point that is wrong, the attack goes back towards the image.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.autoattack import balls, hyperplanes, image_states, losses
from jem_tf.evaluation.autoattack.image_states import Found, rows_where
from jem_tf.evaluation.refinement import Classify

MOST_IMAGE = 0.1  # alpha_max, the largest weight of the image's projection
BEYOND = 1.05  # eta, by which projections go beyond the hyperplane
BACK = 0.9  # beta, the share of the way that is kept of a point that is wrong
CHUNK = 10  # steps between which broken images leave the batches

# (images, targets int32 [N], *, radius, steps, batch_size) -> Found
Fab = Callable[..., Found]


def make_fab(classify: Classify, *, norm: str) -> Fab:
    """Makes the targeted attack on a classifier; its graph is compiled for all radii.

    Args:
      classify: the classifier.
      norm: a key of `balls.BALLS`.

    Returns:
      A `Fab`: (images, targets, *, radius: float, steps: int, batch_size: int) ->
      Found, with the nearest points found that are wrong. An image is broken, and
      finished, once one is within the radius. The attack begins at the image; nothing
      is random.
    """
    ball = balls.BALLS[norm]

    def logits_at(points):
        return classify(2 * points - 1, tf.zeros([2], tf.int32))

    def look(points, labels, targets):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            gap = losses.difference(logits_at(points), labels, targets)
        slopes = tape.gradient(gap, points)
        return gap, tf.where(tf.math.is_finite(slopes), slopes, 0.0)

    @image_states.compile_for_any_batch
    def advance(state, first, count, radius):
        def step(t, s):
            x, labels = s["x"], s["labels"]
            gap, slopes = look(s["point"], labels, s["targets"])
            point = _approach(x, s["point"], gap, slopes, norm)
            wrong = losses.is_wrong(logits_at(point), labels)
            distance = ball.length(point - x)
            nearer = wrong & (distance < s["distance"])
            nearest = tf.where(nearer, distance, s["distance"])
            return {
                "point": rows_where(wrong, x + BACK * (point - x), point),
                "found": rows_where(nearer, point, s["found"]),
                "distance": nearest,
                "broken": nearest <= radius,
            }

        return image_states.while_unbroken(step, state, first, count)

    def attack(images, targets, *, radius, steps, batch_size):
        state = {
            "x": images.x,
            "labels": images.labels,
            "targets": targets,
            "point": images.x.copy(),
            "found": images.x.copy(),
            "distance": np.full(len(images.x), np.inf, "float32"),
            "broken": np.zeros(len(images.x), bool),
        }
        size = tf.constant(radius, tf.float32)
        image_states.advance_images(
            lambda part, first, count: advance(part, first, count, size),
            state,
            steps=steps,
            chunk=CHUNK,
            batch_size=batch_size,
        )
        return Found(state["found"], state["broken"])

    return attack


def _approach(
    x: tf.Tensor, point: tf.Tensor, gap: tf.Tensor, slopes: tf.Tensor, norm: str
) -> tf.Tensor:
    """The next point, beyond the hyperplane where z_t - z_y is 0; images [B, ...]."""
    flat = [tf.reshape(part, [tf.shape(x)[0], -1]) for part in (point, x, slopes)]
    point_flat, x_flat, w = flat
    gap_at_x = gap + tf.reduce_sum(w * (x_flat - point_flat), 1)
    moves = hyperplanes.shortest_moves(
        tf.concat([point_flat, x_flat], 0),
        tf.concat([w, w], 0),
        -tf.concat([gap, gap_at_x], 0),
        norm=norm,
    )
    of_point, of_x = (tf.reshape(d, tf.shape(x)) for d in tf.split(moves, 2))
    ball = balls.BALLS[norm]
    far, farther = (tf.maximum(ball.length(d), 1e-8) for d in (of_point, of_x))
    share = balls.per_image(tf.minimum(far / (far + farther), MOST_IMAGE))
    mean = (1 - share) * (point + BEYOND * of_point) + share * (x + BEYOND * of_x)
    return tf.clip_by_value(mean, 0.0, 1.0)
