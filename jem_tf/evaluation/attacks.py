"""Projected gradient descent (PGD, Madry et al. 2018) by foolbox, best point kept.

Letters: N images, K classes, y the right class. An attack's points are in [0, 1], in
which the literature and foolbox measure; classifiers, see `refinement`, get 2 x - 1.
eps is in 1/255 for "linf", and in L2 distance of pixels in [0, 1] for "l2". A margin is
max_{j != y} log p(j|x) - log p(y|x) in nats: above 0, the answer is wrong.
"""

import os

import numpy as np
import tensorflow as tf

from jem_tf.evaluation import inference

UNITS = {"linf": 1 / 255, "l2": 1.0}
REACH = 2.5  # all steps together, in radii (Madry et al.)
ENOUGH, ENOUGH_ALONE = 1.0, 0.1  # nats of margin in every draw; of the only one
ASKED = 100  # images a batch, to judge points


def looking(classify, image_shape, *, draws=1):
    """What an attack sees of a classifier, with the refinement's noise averaged (EOT).

    Climbs log (1 - p(y|x)) / p(y|x): of one draw the direction of the cross-entropy's
    gradient, but it does not vanish in float32 where p(y|x) rounds to 1.

    Args:
      classify: see `refinement`.
      image_shape: (H, W, C).
      draws: of the noise, an image.

    Returns:
      look(x [B, H, W, C] in [0, 1], labels [B], seed int [2]) -> (margin of the mean
      log p [B], the least margin of a draw [B], gradient [B, H, W, C]). An answer that
      is not finite is a wrong one: its margin is infinite.
    """
    images = tf.TensorSpec([None, *image_shape])
    labels = tf.TensorSpec([None], tf.int32)

    @tf.function(input_signature=[images, labels, tf.TensorSpec([2], tf.int32)])
    def look(x, labels, seed):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = classify(tf.repeat(2 * x - 1, draws, axis=0), seed)
            logits = tf.reshape(logits, [-1, draws, logits.shape[-1]])
            mine, others = _parted(logits, labels[:, None])
            loss = tf.reduce_mean(tf.reduce_logsumexp(others, -1) - mine, 1)
        gradient = tape.gradient(loss, x)
        log_p = tf.nn.log_softmax(logits)
        least = tf.reduce_min(_margin(log_p, labels[:, None]), 1)
        mean = _margin(tf.reduce_mean(log_p, 1), labels)
        return mean, least, tf.where(tf.math.is_finite(gradient), gradient, 0.0)

    return look


class Search:
    """The point of the largest margin seen of each image, and which are settled.

    Args:
      look: what `looking` returned.
      x: numpy float32 [N, H, W, C] in [0, 1].
      labels: int [N].
      at_once: images a call of `look`.
      enough: an image is left alone once every draw at a point has this margin, nats.
      seed: int.
    """

    def __init__(self, look, x, labels, *, at_once, enough, seed):
        self._look, self._labels = look, np.asarray(labels, "int32")
        self._at_once = min(at_once, len(x))
        self._few = max(1, self._at_once // 4)
        self._enough, self._seed, self._looks = enough, seed, 0
        self.points, self.margin = x.copy(), np.full(len(x), -np.inf)
        self.settled = np.zeros(len(x), bool)

    def __call__(self, x):
        """Looks at points [N, H, W, C] -> gradients, 0 of what is settled."""
        gradient = np.zeros_like(x)
        self._looks += 1
        for rows, filled in self._unsettled():
            seed = tf.constant([self._seed, self._looks], tf.int32)
            seen = self._look(x[filled], self._labels[filled], seed)
            margin, least, slope = (part.numpy()[: len(rows)] for part in seen)
            better = margin > self.margin[rows]
            self.points[rows[better]] = x[rows[better]]
            self.margin[rows[better]] = margin[better]
            self.settled[rows] = least >= self._enough
            gradient[rows] = slope
        return gradient / np.maximum(_largest(gradient), 1e-30)

    def _unsettled(self):
        """Rows, and the same filled up to one of two sizes.

        XLA compiles the kernels of an activation for each size.
        """
        left = np.flatnonzero(~self.settled)
        for begin in range(0, len(left), self._at_once):
            rows = left[begin : begin + self._at_once]
            size = self._few if len(rows) <= self._few else self._at_once
            yield rows, np.resize(rows, size)


def pgd(
    look, x, labels, *, norm, eps, steps, restarts=1, at_once=50, enough=ENOUGH, seed=0
):
    """The best points that PGD finds within eps of images; the images are among them.

    Args:
      look, at_once, enough: as in `Search`; enough=inf never stops early.
      x: float [N, H, W, C] in [0, 1].
      labels: int [N], y.
      norm: "linf" or "l2".
      eps: the radius, in UNITS[norm].
      steps: of a restart; each REACH / steps of the radius long.
      restarts: from points at random in the ball.
      seed: int.

    Returns:
      numpy float32 [N, H, W, C] in [0, 1]: of each image the point of largest margin of
      all that were looked at, the last included.
    """
    # Its model zoo imports GitPython, which fails without a git program.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import eagerpy
    import foolbox

    attacks = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}
    x = np.asarray(x, "float32")
    search = Search(look, x, labels, at_once=at_once, enough=enough, seed=seed)

    class Remembering(attacks[norm]):
        def value_and_grad(self, loss_fn, x):
            return None, eagerpy.astensor(tf.constant(search(x.raw.numpy())))

    attack = Remembering(rel_stepsize=REACH / steps, steps=steps)
    bounds = foolbox.TensorFlowModel(tf.identity, bounds=(0, 1), device="/CPU:0")
    y = foolbox.criteria.Misclassification(tf.constant(labels))
    search(x)
    for restart in range(restarts):
        if search.settled.all():
            break
        # foolbox draws its start from TensorFlow's global generator.
        tf.random.set_seed(1000 * seed + restart)
        end = attack.run(bounds, tf.constant(x), y, epsilon=eps * UNITS[norm])
        search(end.numpy())
    return search.points


def right(classify, points, labels, *, draws=1, seed=0):
    """How often points are classified right, over draws of the noise.

    Args:
      classify: see `refinement`; a `tf.function` of it is quicker.
      points: float [N, H, W, C] in [0, 1].
      labels: int [N].
      draws: how often each is asked.
      seed: int; draw i has the seed [seed, i].

    Returns:
      numpy float [N], shares of the draws.
    """
    x, labels = 2 * np.asarray(points, "float32") - 1, np.asarray(labels)
    shares = [
        is_right(_asked(classify, x, [seed, draw]), labels) for draw in range(draws)
    ]
    return np.mean(shares, axis=0)


def is_right(logits, labels):
    """Whether logits [N, K] name the labels [N]; those that are not finite do not."""
    named = np.argmax(logits, axis=-1) == np.asarray(labels)
    return named & np.isfinite(logits).all(-1)


def _asked(classify, x, seed):
    seed = tf.constant(seed, tf.int32)
    return inference.each_batch(lambda x: classify(x, seed), x, batch_size=ASKED)


def _parted(logits, labels):
    """Logits [..., K] -> (that of the label [...], the others [..., K], it at -inf)."""
    own = tf.one_hot(labels, logits.shape[-1], True, False)
    mine = tf.reduce_sum(tf.where(own, logits, 0.0), -1)
    return mine, tf.where(own, -np.inf, logits)


def _margin(log_p, labels):
    mine, others = _parted(log_p, labels)
    margin = tf.reduce_max(others, -1) - mine
    return tf.where(tf.math.is_finite(margin), margin, np.inf)


def _largest(gradient):
    return np.abs(gradient).max(axis=(1, 2, 3), keepdims=True)
