"""The states of attacks on many images, advanced in batches of fixed sizes.

A state is {name: array [N, ...]} with a row for each image; "broken", bool [N], says
whose attack has succeeded. Those rows are not advanced further.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.attack_gradients import padded_batches

FIXED = ("x", "labels", "targets")  # what no step changes of a state

State = dict[str, Any]


class Images(NamedTuple):
    """Images to attack.

    x: float32 [N, H, W, C] in [0, 1].
    labels: int32 [N], y.
    others: int32 [N, K - 1], the other classes by descending logit at x.
    ids: int [N]; all that is random for an image follows from its id and the
      seed, so that it does not depend on the other images.
    """

    x: np.ndarray
    labels: np.ndarray
    others: np.ndarray
    ids: np.ndarray

    def take(self, rows: np.ndarray) -> "Images":
        """Returns the images of these rows, int or bool [N]."""
        return Images(*(part[rows] for part in self))


class Found(NamedTuple):
    """What an attack found.

    points: float32 [N, H, W, C] in [0, 1]; of broken images, points within the radius
      at which the classifier is wrong.
    broken: bool [N].
    """

    points: np.ndarray
    broken: np.ndarray


def advance_images(
    advance: Callable[..., State],
    state: State,
    *,
    steps: int,
    chunk: int,
    batch_size: int,
    draw: Callable[[np.ndarray, int, int], np.ndarray] | None = None,
) -> None:
    """Advances the rows that are not broken, in place.

    Args:
      advance: (state of B rows, first step, number of steps) -> what has changed of the
        state; with `draw`, its result is the last argument.
      state: see the module.
      steps: steps in all.
      chunk: steps of one call of `advance`; broken rows leave between calls.
      batch_size: B.
      draw: (rows, first step, number of steps) -> random numbers for these.
    """
    for first in range(0, steps, chunk):
        count = min(chunk, steps - first)
        left = np.flatnonzero(~state["broken"])
        for rows, padded in padded_batches(left, batch_size, (1, 2, 3, 4)):
            part = {name: tf.constant(array[padded]) for name, array in state.items()}
            when = tf.constant(first), tf.constant(count)
            numbers = (draw(padded, first, count),) if draw else ()
            for name, value in advance(part, *when, *numbers).items():
                state[name][rows] = value.numpy()[: len(rows)]


def compile_for_any_batch(advance: Callable[..., State]) -> Callable[..., State]:
    """Compiles the argument of `advance_images`, once for batches of all sizes.

    Args:
      advance: (state, first, count, *others), tensors -> a state.

    Returns:
      The same function, as one graph. Fixed in it are the sizes of the rows of the
      state and the last axis of other tensors of three axes.
    """
    graphs: list[Callable[..., State]] = []

    def call(state, *others):
        if not graphs:
            specs = {k: _spec(v, v.shape[1:]) for k, v in state.items()}
            others_specs = [_spec(v, v.shape[2:]) for v in others]
            graph = tf.function(advance, autograph=False)
            graphs.append(graph.get_concrete_function(specs, *others_specs))
        return graphs[0](state, *others)

    return call


def _spec(tensor: tf.Tensor, fixed: tf.TensorShape) -> tf.TensorSpec:
    """Makes the type of a tensor whose last axes alone have fixed sizes."""
    free = [None] * (tensor.shape.rank - fixed.rank)
    return tf.TensorSpec([*free, *fixed], tensor.dtype)


def while_unbroken(
    step: Callable[[tf.Tensor, State], State],
    state: State,
    first: tf.Tensor,
    count: tf.Tensor,
) -> State:
    """Repeats a step in a graph, until all images are broken or the steps are over.

    Args:
      step: (number of the step, state) -> what changes of the state but for FIXED.
      state: tensors [B, ...].
      first, count: int, the number of the first step, and how many there are.

    Returns:
      The last state, without FIXED.
    """
    fixed = {name: state[name] for name in FIXED if name in state}
    changing = {name: state[name] for name in state if name not in fixed}

    def going(t, changing):
        return (t < first + count) & ~tf.reduce_all(changing["broken"])

    def body(t, changing):
        return t + 1, changing | step(t, fixed | changing)

    _, last = tf.while_loop(going, body, (first, changing), parallel_iterations=1)
    return last


def rows_where(mask: tf.Tensor, yes: tf.Tensor, no: tf.Tensor) -> tf.Tensor:
    """Takes rows of `yes` [B, ...] where mask [B], and of `no` elsewhere."""
    shape = tf.concat([tf.shape(mask), tf.ones([yes.shape.rank - 1], tf.int32)], 0)
    return tf.where(tf.reshape(mask, shape), yes, no)
