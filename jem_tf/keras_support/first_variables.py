"""Variables that Keras makes late: those of the optimiser, and of metrics by name.

A graph that makes variables is traced twice by TensorFlow, and a file is read into
variables that exist.
"""

import keras


def build_optimizer(model: keras.Model) -> None:
    """Makes the variables of a model's optimiser, unless it has none or has them."""
    optimizer = model.optimizer if model.compiled else None
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_weights)


def build_metrics(model: keras.Model, num_classes: int) -> None:
    """Makes the variables of the compiled metrics, for labels that are class numbers.

    Args:
      model: whose outputs are logits [B, K].
      num_classes: K.
    """
    metrics = model._compile_metrics
    if metrics is not None and not metrics.built:
        labels = keras.KerasTensor([None], "int32")
        metrics.build(labels, keras.KerasTensor([None, num_classes]))
