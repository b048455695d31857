"""Gradients of all replicas: their sum, and the bound on its norm."""

from collections.abc import Sequence

import tensorflow as tf

from jem_tf.errors import InputError, argument


def sum_over_replicas(
    gradients: Sequence[tf.Tensor | None],
) -> list[tf.Tensor | None]:
    """The sums of gradients over all replicas; None where no image reaches the weight.

    Call it within `strategy.run`.

    Raises:
      InputError: if images reach no weight at all.
    """
    reached = [gradient for gradient in gradients if gradient is not None]
    if not reached:
        raise InputError(
            f"{argument('network')} has no weights that images reach and training may "
            "change; set trainable=True on some of its layers, and compile again."
        )
    sums = iter(tf.distribute.get_replica_context().all_reduce("sum", reached))
    return [None if gradient is None else next(sums) for gradient in gradients]


def clip_over_replicas(
    gradients: Sequence[tf.Tensor | None], bound: tf.Tensor | float | None = None
) -> tuple[list[tf.Tensor | None], tf.Tensor]:
    """Scales gradients so that their sum over all replicas has a global norm <= bound.

    Keras clips the gradient of each replica before it adds them up, so that training
    would depend on the number of replicas. Call this within `strategy.run`.

    Args:
      gradients: the gradients of this replica; None where no image reaches the weight.
      bound: the largest norm; None to measure the norm without clipping.

    Returns:
      (the gradients, the norm of their sum before it is bounded).
    """
    whole = [g for g in sum_over_replicas(gradients) if g is not None]
    norm = tf.linalg.global_norm(whole)
    scale = 1.0 if bound is None else tf.minimum(1.0, bound / norm)
    # The norm is that of the sum: if it is not finite, all replicas skip the step.
    scale = tf.where(tf.math.is_finite(norm), scale, norm)
    scaled = [None if gradient is None else gradient * scale for gradient in gradients]
    return scaled, norm
