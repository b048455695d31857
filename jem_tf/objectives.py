"""The losses of a step beside the cross-entropy: -log p(x) and -log p(x, y).

Neither can be computed, but their gradients are those of differences of mean energies,
of real images less of images drawn from the model (Grathwohl et al. 2020, equation 2).

Letters: B labelled images, n images of any other kind, K classes.
"""

from collections.abc import Mapping

import tensorflow as tf

from jem_tf.energies import joint_energy, marginal_energy


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
      logits: {name: [n, K]} of "labelled" images; of "real" ones if log p(x) has its
        own; of the images "drawn" for log p(x) and "drawn_by_label" for log p(x, y).
        Without "drawn", or "drawn_by_label", the loss leaves that term out.
      labels: int [B], of the labelled images and of those drawn by label.
      p_x_weight, p_x_y_weight: of the terms.
      energy_l2: weight of mean E(x)^2, over real images plus over drawn ones.

    Returns:
      (a scalar in nats, E of all drawn images [n]).
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
