"""A scale and an offset for each channel: what is left of a batch normalisation."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("jem_tf")
class Affine(keras.layers.Layer):
    """x -> scale x + offset, computed in float32, along an axis of x.

    Args:
      axis: of the channels.
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Makes the weights, [C] each, for inputs [B, ..., C, ...]."""
        self.scale, self.offset = (
            self.add_weight(
                name=name,
                shape=(input_shape[self.axis],),
                initializer=initial,
                autocast=False,
            )
            for name, initial in (("scale", "ones"), ("offset", "zeros"))
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """[B, ..., C, ...] -> the same shape."""
        shape = [1] * x.shape.rank
        shape[self.axis] = -1
        scale, offset = (
            tf.reshape(tf.cast(weight.value, tf.float32), shape)
            for weight in (self.scale, self.offset)
        )
        return tf.cast(tf.cast(x, tf.float32) * scale + offset, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments from which `from_config` makes an equal layer."""
        return super().get_config() | {"axis": self.axis}
