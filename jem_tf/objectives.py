"""The generative losses of a training step: -log p(x) and -log p(x, y).

Neither can be computed. Each has the same gradient as a difference of mean energies,
of real images minus images drawn from the model (Grathwohl et al. 2020, equation 2).

Letters: B labelled images, n images of any other kind, K classes.
"""

from collections.abc import Mapping

import tensorflow as tf

from jem_tf.energies import joint_energy, marginal_energy


def label_smoothing(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """What smoothing adds to the cross-entropy: logits [B, K], int [B] -> [B], nats.

    A target of 1 - s for the label and s / K more for every class costs
    -sum_k target_k log p(k | x) = -log p(y | x) + s (f_y - mean_k f_k). The result is
    f_y - mean_k f_k, for any s (Szegedy et al. 2016, section 7).
    """
    of_label = tf.gather(logits, labels, batch_dims=1)
    return of_label - tf.reduce_mean(logits, axis=-1)


def generative_loss(
    logits: Mapping[str, tf.Tensor],
    labels: tf.Tensor,
    *,
    p_x_weight: float,
    p_x_y_weight: float,
    energy_l2: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The generative terms of the joint loss.

    Args:
      logits: {kind of images: [n, K]}. The kinds are "labelled"; "real", if log p(x)
        learns from other images than the labelled ones; "drawn", the negatives of
        log p(x); and "drawn_by_label", those of log p(x, y). A term whose negatives
        are missing is left out.
      labels: int [B], the labels of "labelled" and of "drawn_by_label".
      p_x_weight, p_x_y_weight: the weights of the two terms.
      energy_l2: weight of mean E(x)^2 of real images plus mean E(x)^2 of drawn ones.

    Returns:
      (the loss, a scalar in nats; E(x) of all drawn images, [n]).
    """
    real = marginal_energy(logits.get("real", logits["labelled"]))
    loss, energies = 0.0, []
    if "drawn" in logits:
        energies.append(marginal_energy(logits["drawn"]))
        loss += p_x_weight * (tf.reduce_mean(real) - tf.reduce_mean(energies[-1]))
    if "drawn_by_label" in logits:
        energies.append(marginal_energy(logits["drawn_by_label"]))
        given = tf.reduce_mean(joint_energy(logits["labelled"], labels))
        dreamt = tf.reduce_mean(joint_energy(logits["drawn_by_label"], labels))
        loss += p_x_y_weight * (given - dreamt)
    drawn = tf.concat(energies, axis=0)
    squares = tf.reduce_mean(tf.square(real)) + tf.reduce_mean(tf.square(drawn))
    return loss + energy_l2 * squares, drawn
