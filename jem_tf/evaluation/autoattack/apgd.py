"""Auto-PGD: projected gradient steps with momentum, whose length adapts (2003.01690).

APGD-CE raises the cross-entropy; APGD-T raises the targeted DLR loss towards one class
after another. The length of a step begins at 2 radii. It is halved at fixed checkpoints
where the loss rose too seldom, and the attack then goes on from the best point so far.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.autoattack import balls, image_states, losses
from jem_tf.evaluation.autoattack.image_states import Found, Images, State, rows_where
from jem_tf.evaluation.refinement import Classify

FIRST_STEP = 2.0  # radii
NEWEST = 0.75  # alpha, the weight of the newest move; the rest is the move before
RHO = 0.75  # a step is halved unless the loss rose in more than this share of steps
CHUNK = 10  # steps between which broken images leave the batches

# (images, targets int32 [N], *, radius, steps, seed, batch_size) -> Found
Apgd = Callable[..., Found]


def make_apgd(classify: Classify, *, norm: str, loss: losses.Loss) -> Apgd:
    """Makes the attack on a classifier; its graph is compiled once for all radii.

    Args:
      classify: the classifier.
      norm: a key of `balls.BALLS`.
      loss: what the attack raises.

    Returns:
      An `Apgd`: (images, targets, *, radius: float, steps: int, seed: ints, batch_size:
      int) -> Found. One restart begins at a random point of the ball's surface.
    """
    ball = balls.BALLS[norm]

    def look(points, labels, targets):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            logits = classify(2 * points - 1, tf.zeros([2], tf.int32))
            value = loss(logits, labels, targets)
        gradient = tape.gradient(value, points)
        finite = tf.where(tf.math.is_finite(gradient), gradient, 0.0)
        return value, finite, losses.is_wrong(logits, labels)

    @image_states.compile_for_any_batch
    def advance(state, first, count, radius, windows):
        def step(t, s):
            after = _step(s, ball, look, radius, tf.where(t > 1, NEWEST, 1.0))
            return after | _check(s | after, windows[t])

        return image_states.while_unbroken(step, state, first, count)

    def attack(images, targets, *, radius, steps, seed, batch_size):
        state = _begin(images, targets, ball, radius, seed)
        windows = tf.constant(checkpoint_windows(steps))
        size = tf.constant(radius, tf.float32)
        image_states.advance_images(
            lambda part, first, count: advance(part, first, count, size, windows),
            state,
            steps=steps + 1,  # step 0 evaluates the point of the start
            chunk=CHUNK,
            batch_size=batch_size,
        )
        return Found(state["found"], state["broken"])

    return attack


def checkpoint_windows(steps: int) -> np.ndarray:
    """Lays out the checkpoints, which get closer to each other.

    Returns:
      int32 [steps + 1]: at a checkpoint the number of steps since the one before, 0 at
      other steps. Of 100 steps, 22, 41, 57, 70, 80, 87, 93 and 99 are checkpoints.
    """
    windows = np.zeros(steps + 1, "int32")
    window, at = max(int(0.22 * steps), 1), 0
    while (at := at + window) <= steps:
        windows[at] = window
        shorter = window - max(int(0.03 * steps), 1)
        window = max(shorter, int(0.06 * steps), 1)
    return windows


def _begin(
    images: Images,
    targets: np.ndarray,
    ball: balls.Ball,
    radius: float,
    seed: Sequence[int],
) -> State:
    """The state before step 0: a gradient of 0 leaves the start where it is."""
    n, *shape = images.x.shape
    draws = [
        ball.draw(np.random.default_rng([*seed, i]), tuple(shape)) for i in images.ids
    ]
    start = np.clip(images.x + radius * np.array(draws, "float32"), 0, 1)
    return {
        "x": images.x,
        "labels": images.labels,
        "targets": targets,
        "point": start,
        "before": start.copy(),
        "gradient": np.zeros_like(start),
        "loss": np.full(n, np.inf, "float32"),
        "best": start.copy(),
        "best_gradient": np.zeros_like(start),
        "best_loss": np.full(n, -np.inf, "float32"),
        "checked_loss": np.full(n, -np.inf, "float32"),  # best at the last checkpoint
        "length": np.full(n, FIRST_STEP * radius, "float32"),
        "halved": np.ones(n, bool),  # at the last checkpoint
        "rises": np.zeros(n, "int32"),  # since the last checkpoint
        "found": images.x.copy(),
        "broken": np.zeros(n, bool),
    }


def _step(s: State, ball: balls.Ball, look: Any, radius: Any, newest: Any) -> State:
    """One step: moves, evaluates, and keeps the best point."""
    x = s["x"]
    length = balls.per_image(s["length"])
    there = ball.project(x, s["point"] + length * ball.direction(s["gradient"]), radius)
    move = newest * (there - s["point"]) + (1 - newest) * (s["point"] - s["before"])
    point = ball.project(x, s["point"] + move, radius)
    loss, gradient, wrong = look(point, s["labels"], s["targets"])
    better = loss > s["best_loss"]
    return {
        "point": point,
        "before": s["point"],
        "gradient": gradient,
        "loss": loss,
        "best": rows_where(better, point, s["best"]),
        "best_gradient": rows_where(better, gradient, s["best_gradient"]),
        "best_loss": tf.where(better, loss, s["best_loss"]),
        "rises": s["rises"] + tf.cast(loss > s["loss"], tf.int32),
        "found": rows_where(wrong & ~s["broken"], point, s["found"]),
        "broken": s["broken"] | wrong,
    }


def _check(s: State, window: tf.Tensor) -> State:
    """Halves steps at a checkpoint, by the paper's two conditions; window 0 is none."""
    check = window > 0
    seldom = tf.cast(s["rises"], tf.float32) <= RHO * tf.cast(window, tf.float32)
    no_better = ~s["halved"] & (s["best_loss"] <= s["checked_loss"])
    halve = check & (seldom | no_better)
    return {
        "length": tf.where(halve, s["length"] / 2, s["length"]),
        "point": rows_where(halve, s["best"], s["point"]),
        "gradient": rows_where(halve, s["best_gradient"], s["gradient"]),
        "halved": tf.where(check, halve, s["halved"]),
        "checked_loss": tf.where(check, s["best_loss"], s["checked_loss"]),
        "rises": tf.where(check, 0, s["rises"]),
    }
