"""What the attacks raise or lower, from logits z [B, K], labels y and targets t [B]."""

from collections.abc import Callable

import tensorflow as tf

from jem_tf.evaluation.attack_gradients import split_by_label

LEAST_CLASSES = 4  # the targeted DLR loss has the fourth largest logit in it

# (logits float32 [B, K], labels int32 [B], targets int32 [B]) -> float32 [B]
Loss = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor, targets: tf.Tensor
) -> tf.Tensor:
    """Computes log (1 - p(y|x)) / p(y|x), the cross-entropy in its log-odds form.

    It rises with -log p(y|x), and its gradient has the same direction, so that APGD
    takes the same steps; but it does not vanish in float32 where p(y|x) rounds to 1.
    """
    own, others = split_by_label(logits, labels)
    return tf.reduce_logsumexp(others, -1) - own


def targeted_dlr(logits: tf.Tensor, labels: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Computes the targeted difference of logits ratio (2003.01690, equation 7).

    (z_t - z_y) / (z_1st - (z_3rd + z_4th) / 2), of the largest logits. It changes with
    neither a shift nor a scale of the logits.
    """
    largest = tf.math.top_k(logits, LEAST_CLASSES).values
    spread = largest[:, 0] - (largest[:, 2] + largest[:, 3]) / 2
    return difference(logits, labels, targets) / (spread + 1e-12)


def difference(logits: tf.Tensor, labels: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Computes z_t - z_y."""
    chosen = tf.gather(logits, tf.stack([labels, targets], 1), batch_dims=1)
    return chosen[:, 1] - chosen[:, 0]


def lead(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Computes z_y - max_{j != y} z_j, which Square attack lowers."""
    own, others = split_by_label(logits, labels)
    return own - tf.reduce_max(others, -1)


def is_wrong(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Tells where the prediction is not y, or not finite: bool [B]; see `is_right`."""
    predicted = tf.argmax(logits, -1, tf.int32)
    finite = tf.reduce_all(tf.math.is_finite(logits), -1)
    return (predicted != labels) | ~finite
