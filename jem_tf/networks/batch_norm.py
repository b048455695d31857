"""Batch normalisation: a quick one for training, and one whose statistics stay."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("jem_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, by TensorFlow's fused operation where training takes [B, H, W, C].

    Keras's own passes over the images several times, in float32. The class has Keras's
    name, so that layers and files of weights have the names that they had before it.
    """

    def call(
        self, inputs: tf.Tensor, training: Any = None, mask: Any = None
    ) -> tf.Tensor:
        """[B, ..., C] -> the same shape."""
        if training and self.trainable and mask is None and self._fits(inputs):
            return self._normalise(inputs)
        return super().call(inputs, training=training, mask=mask)

    def _fits(self, x: tf.Tensor) -> bool:
        plain = not self.synchronized and not getattr(self, "renorm", False)
        last = len(x.shape) == 4 and self.axis in (-1, 3)
        return plain and last and self.scale and self.center

    def _normalise(self, x: tf.Tensor) -> tf.Tensor:
        scale, offset = (
            tf.cast(weight.value, tf.float32) for weight in (self.gamma, self.beta)
        )
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=scale,
            offset=offset,
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        n = tf.cast(tf.size(x) / x.shape[-1], tf.float32)
        biased = variance * (n - 1) / n  # as Keras's; the operation's is not
        moments = _mean_over_replicas([tf.stop_gradient(m) for m in (mean, biased)])
        moving = (self.moving_mean, self.moving_variance)
        for statistic, now in zip(moving, moments, strict=True):
            kept = self.momentum * statistic.value
            statistic.assign(kept + (1 - self.momentum) * now)
        return y


def _mean_over_replicas(moments: list[tf.Tensor]) -> list[tf.Tensor]:
    """Without it each replica would have statistics of its own, and save replica 0's.

    Keras's layer does so: its statistics are variables without an aggregation.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return moments
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, moments)


@keras.saving.register_keras_serializable("jem_tf")
class FrozenBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation by its moving statistics alone, which training leaves as is.

    An image's energy does not depend on its neighbours. Scale and offset are trained.
    """

    def call(
        self, inputs: tf.Tensor, training: Any = None, mask: Any = None
    ) -> tf.Tensor:
        """[B, ..., C] -> the same shape."""
        return super().call(inputs, training=False, mask=mask)
