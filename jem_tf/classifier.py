"""A network as a Keras classifier, which the JEM is besides."""

import keras
import tensorflow as tf


class Classifier(keras.Model):
    """Classifies images as `network` does; compile, evaluate, predict are Keras's own.

    Args:
      network: a model from images [B, H, W, C] to logits float32 [B, K].
      averages: names of what a training step averages over an epoch: a dict
        `self.averages` of metrics, which `fit` logs and `evaluate` passes over.
    """

    def __init__(self, network, *, averages=(), **kwargs):
        super().__init__(**kwargs)
        self.network, self._evaluating, self.built = network, False, True
        self.num_classes = network.output_shape[-1]
        self.averages = {name: keras.metrics.Mean(name) for name in averages}

    def call(self, images, training=False):
        """Logits float32 [B, K] of images [B, H, W, C], or of the "labelled" ones."""
        if isinstance(images, dict):  # Keras builds its metrics on what `fit` was given
            images = images["labelled"]
        return self.network(images, training=training)

    def compile(
        self, optimizer="adam", loss=None, weighted_metrics=("accuracy",), **kwargs
    ):
        """As in Keras; without a loss, the cross-entropy of integer labels."""
        loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        super().compile(
            optimizer, loss, weighted_metrics=list(weighted_metrics), **kwargs
        )

    @tf.function(reduce_retracing=True)
    def logits(self, images):
        """Logits [B, K] of images [B, H, W, C], as a graph for inference."""
        return self.network(images, training=False)

    @property
    def step(self):
        """How many training steps were taken: int."""
        return int(tf.convert_to_tensor(self.optimizer.iterations.value))

    @property
    def metrics(self):
        """Keras's; `evaluate` does without the averages of a training step."""
        hidden = self.averages.values() if self._evaluating else ()
        hidden = {id(metric) for metric in hidden}
        return [metric for metric in super().metrics if id(metric) not in hidden]

    def evaluate(self, *args, **kwargs):
        """As in Keras: the cross-entropy as `loss`, and the compiled metrics."""
        self._evaluating = True
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            self._evaluating = False
