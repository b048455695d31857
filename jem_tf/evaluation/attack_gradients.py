"""What gradient attacks share: a classifier's loss and margin, and the best points.

Letters: N or B images [H, W, C] with pixels in [0, 1], the range of foolbox and of the
literature on attacks; K classes; y the correct class. The classifiers of `refinement`
get the pixels 2 x - 1. The margin is max_{j != y} log p(j|x) - log p(y|x) in nats; the
prediction is wrong where it is above 0.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from jem_tf.evaluation.refinement import Classify

UNITS = {"linf": 1 / 255, "l2": 1.0}  # units of the radii, in pixels of [0, 1]
STOP_MARGIN = 1.0  # nats, in every draw of the noise; then an attack stops
STOP_MARGIN_WITHOUT_NOISE = 0.1  # nats, for a classifier without noise


class Response(NamedTuple):
    """The margins of a classifier at B points, and the gradient of its loss.

    margin: float [B] in nats, computed from the mean of log p over draws of the noise.
    least_margin: float [B] in nats, the smallest margin in a single draw.
    gradient: float [B, H, W, C], the gradient of the loss that an attack increases.
    """

    margin: tf.Tensor
    least_margin: tf.Tensor
    gradient: tf.Tensor


# (x float32 [B, H, W, C] in [0, 1], labels int32 [B], seed int32 [2]) -> Response
# A targeted view takes int32 [B, 2], labels and targets.
AttackView = Callable[[Any, Any, Any], Response]


def make_attack_view(
    classify: Classify, image_shape: Sequence[int], *, draws: int = 1
) -> AttackView:
    """Makes the function by which an attack queries a classifier.

    It averages over draws of the classifier's noise (expectation over transformation,
    EOT). The loss is log (1 - p(y|x)) / p(y|x). For one draw its gradient has the
    direction of the cross-entropy's gradient, but does not vanish in float32 where
    p(y|x) rounds to 1.

    Args:
      classify: the classifier.
      image_shape: (H, W, C).
      draws: draws of the noise for each image.

    Returns:
      An `AttackView`, compiled. An output that is not finite counts as a wrong
      prediction: its margin is infinite, and its gradient 0. So is that of a
      classifier without one, such as a refinement that rounds.
    """
    images = tf.TensorSpec([None, *image_shape])
    labels = tf.TensorSpec([None], tf.int32)

    @tf.function(
        input_signature=[images, labels, tf.TensorSpec([2], tf.int32)], autograph=False
    )
    def view(x, labels, seed):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = classify(tf.repeat(2 * x - 1, draws, axis=0), seed)
            logits = tf.reshape(logits, [-1, draws, logits.shape[-1]])
            own, others = split_by_label(logits, labels[:, None])
            loss = tf.reduce_mean(tf.reduce_logsumexp(others, -1) - own, 1)
        gradient = tape.gradient(loss, x, unconnected_gradients="zero")
        log_p = tf.nn.log_softmax(logits)
        least = tf.reduce_min(_margin(log_p, labels[:, None]), 1)
        mean = _margin(tf.reduce_mean(log_p, 1), labels)
        finite = tf.where(tf.math.is_finite(gradient), gradient, 0.0)
        return Response(mean, least, finite)

    return view


def make_targeted_view(classify: Classify, image_shape: Sequence[int]) -> AttackView:
    """Makes a view of a classifier without noise, for attacks towards other classes t.

    In place of the labels it takes int32 [B, 2], y and t of each image. The loss is
    log p(t|x) - log p(y|x) in nats; both margins are this loss too, so that the best
    point is the one that went furthest towards t.

    Args:
      classify: the classifier.
      image_shape: (H, W, C).
    """
    images = tf.TensorSpec([None, *image_shape])
    pairs, seed = tf.TensorSpec([None, 2], tf.int32), tf.TensorSpec([2], tf.int32)

    @tf.function(input_signature=[images, pairs, seed], autograph=False)
    def view(x, pairs, seed):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            chosen = tf.gather(classify(2 * x - 1, seed), pairs, batch_dims=1)
            loss = chosen[:, 1] - chosen[:, 0]
        gradient = tape.gradient(loss, x, unconnected_gradients="zero")
        margin = tf.where(tf.math.is_finite(loss), loss, np.inf)
        finite = tf.where(tf.math.is_finite(gradient), gradient, 0.0)
        return Response(margin, margin, finite)

    return view


class BestPoints:
    """Evaluates the points of an attack, and keeps the best point of each image.

    The best point is the one of largest margin.

    Attributes:
      points: float32 [N, H, W, C], the best points so far.
      margin: float [N] in nats, the margins of these points; -inf before the first
        call of `look`.
      settled: bool [N], True for images that are finished and not evaluated again.

    Args:
      view: what `make_attack_view` returned.
      x: float32 [N, H, W, C] in [0, 1], the images to attack.
      labels: int [N], y, or [N, 2] of a targeted view.
      batch_size: images in a call of `view`.
      stop_margin: an image is settled once its margin at a point is at least this, in
        nats, in every draw of the noise.
      seed: int.
    """

    def __init__(
        self,
        view: AttackView,
        x: np.ndarray,
        labels: Any,
        *,
        batch_size: int,
        stop_margin: float,
        seed: int,
    ):
        self._view, self._labels = view, np.asarray(labels, "int32")
        self._batch_size = min(batch_size, len(x))
        self._stop_margin, self._seed, self._looks = stop_margin, seed, 0
        self.points, self.margin = x.copy(), np.full(len(x), -np.inf)
        self.settled = np.zeros(len(x), bool)

    def look(self, x: np.ndarray) -> np.ndarray:
        """Evaluates one point for each image that is not settled.

        Args:
          x: float32 [N, H, W, C] in [0, 1], the points.

        Returns:
          float32 [N, H, W, C], the gradients of the loss, each divided by its largest
          component; 0 for images that were settled before the call.
        """
        gradient = np.zeros_like(x)
        self._looks += 1
        left = np.flatnonzero(~self.settled)
        for rows, padded in padded_batches(left, self._batch_size):
            seed = tf.constant([self._seed, self._looks], tf.int32)
            response = self._view(x[padded], self._labels[padded], seed)
            margin, least, slope = (part.numpy()[: len(rows)] for part in response)
            better = margin > self.margin[rows]
            self.points[rows[better]] = x[rows[better]]
            self.margin[rows[better]] = margin[better]
            self.settled[rows] = least >= self._stop_margin
            gradient[rows] = slope
        return gradient / np.maximum(_largest_component(gradient), 1e-30)


def padded_batches(
    rows: np.ndarray, batch_size: int, quarters: Sequence[int] = (1, 4)
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields batches of rows, and the same rows padded by repetition to a fixed size.

    There are few sizes, because XLA compiles the activations for each size, which takes
    a second or two: more of them pay for an attack of thousands of steps.

    Args:
      rows: int [n].
      batch_size: the largest size.
      quarters: the sizes in quarters of the largest, ascending up to 4.
    """
    sizes = [max(1, batch_size * quarter // 4) for quarter in quarters]
    for begin in range(0, len(rows), batch_size):
        batch = rows[begin : begin + batch_size]
        yield batch, np.resize(batch, next(s for s in sizes if s >= len(batch)))


def split_by_label(logits: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits logits [..., K] -> (y's [...], logits [..., K] with y's at -inf)."""
    is_label = tf.one_hot(labels, logits.shape[-1], True, False)
    own = tf.reduce_sum(tf.where(is_label, logits, 0.0), -1)
    return own, tf.where(is_label, -np.inf, logits)


def rank_others(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Ranks the classes other than y, the most likely first: int32 [N, K - 1].

    Args:
      logits: float [N, K].
      labels: int [N], y.
    """
    rows = np.arange(len(labels))
    without = np.where(np.isfinite(logits), logits, np.finfo("float32").min)
    without[rows, labels] = -np.inf
    order = np.argsort(-without, axis=1, kind="stable")
    return order[:, :-1].astype("int32")


def _margin(log_p: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    own, others = split_by_label(log_p, labels)
    margin = tf.reduce_max(others, -1) - own
    return tf.where(tf.math.is_finite(margin), margin, np.inf)


def _largest_component(gradient: np.ndarray) -> np.ndarray:
    return np.abs(gradient).max(axis=(1, 2, 3), keepdims=True)
