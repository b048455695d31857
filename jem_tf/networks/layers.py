"""The few layers that every network is made of, as functions of x [B, H, W, C].

Normalisation, activation and initial weights are chosen here, by name.
"""

import itertools
import math
from typing import Any

import keras
import tensorflow as tf

from jem_tf.errors import InputError, argument
from jem_tf.networks import activations
from jem_tf.networks.batch_norm import (
    BatchNormalization,
    FrozenBatchNormalization,
)

NORMS = ("none", "batch", "layer", "group", "frozen_batch")
ACTIVATIONS = {"leaky_relu": activations.leaky_relu, "swish": activations.swish}
PLAIN = {
    "leaky_relu": activations.plain_leaky_relu,
    "swish": activations.plain_swish,
}


@keras.saving.register_keras_serializable("jem_tf")
class Activation(keras.layers.Layer):
    """A layer of one of ACTIVATIONS, or of PLAIN if it is not fused."""

    def __init__(self, activation: str, fused: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation, self.fused = activation, fused

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Any shape -> the same."""
        return (ACTIVATIONS if self.fused else PLAIN)[self.activation](x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments from which `from_config` makes an equal layer."""
        own = {"activation": self.activation, "fused": self.fused}
        return super().get_config() | own


@keras.saving.register_keras_serializable("jem_tf")
class ConvLeakyReLU(keras.layers.Conv2D):
    """A convolution of stride 1 and "same" padding, fused with its leaky ReLU."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """[B, H, W, C] -> [B, H, W, filters]."""
        parts = (tf.convert_to_tensor(part) for part in (self.kernel, self.bias))
        return activations.convolved_leaky_relu(x, *parts)


def check_width(network: str, width: int) -> None:
    """Raises InputError if the width in a network's name is no multiple of 8."""
    if width < 8 or width % 8:
        raise InputError(
            f"{argument('network', network)} does not exist: the width must be 8, 16, "
            "24, ..."
        )


class Layers:
    """Makes layers of one style; `seed` alone determines their initial weights.

    Args:
      norm: one of NORMS. "batch" makes an image's energy depend on its neighbours in
        training; "frozen_batch" keeps the statistics that it begins with.
      activation: one of ACTIVATIONS; "leaky_relu" has the paper's slope of 0.2.
      gain: kernels and biases start as U(-b, b), b = gain / sqrt(fan_in). 1 is the
        paper's (PyTorch's default); sqrt(6) keeps the variance through a ReLU (He et
        al. 2015).
      norm_momentum: share of the moving statistics of "batch" that a step keeps. 0.1
        is the authors' (0.9 in PyTorch, which counts the share that is replaced).
      seed: int.
      dtype: a Keras dtype policy, such as "mixed_bfloat16"; logits are float32 under
        any.
      fused: whether activations may use XLA. It is faster, but model servers are built
        without it. The weights are the same in both cases.

    Raises:
      InputError: if there is no such norm or activation.
    """

    def __init__(
        self,
        *,
        norm: str = "none",
        activation: str = "leaky_relu",
        gain: float = 1.0,
        norm_momentum: float = 0.1,
        seed: int = 0,
        dtype: str = "float32",
        fused: bool = True,
    ):
        for name, value, known in (
            ("norm", norm, NORMS),
            ("activation", activation, tuple(ACTIVATIONS)),
        ):
            if value not in known:
                raise InputError(
                    f"{argument(name, value)} is not known; choose one of "
                    f"{', '.join(known)}."
                )
        self._norm, self._activation, self._gain = norm, activation, gain
        self._norm_momentum = norm_momentum
        self._seeds, self._dtype = itertools.count(1000 * seed), dtype
        self._convolutions, self._fused = itertools.count(), fused

    def conv(
        self, x: keras.KerasTensor, filters: int, *, size: int = 3, stride: int = 1
    ) -> keras.KerasTensor:
        """A convolution with bias and size // 2 zeros on each side, as in PyTorch."""
        if size == 1 and stride > 1:
            # oneDNN's gradient of a strided 1x1 convolution corrupts the heap (TF 2.20,
            # 2.21). Pooling single pixels is quicker there than slicing.
            x = keras.layers.AveragePooling2D(1, stride, dtype=self._dtype)(x)
            stride = 1
        return self._conv(keras.layers.Conv2D, x, filters, size, stride)

    def activated_conv(
        self, x: keras.KerasTensor, filters: int, *, size: int = 3, stride: int = 1
    ) -> keras.KerasTensor:
        """A convolution, normalisation and activation, fused where possible."""
        fusible = self._norm == "none" and self._activation == "leaky_relu"
        if self._fused and fusible and stride == 1:
            return self._conv(ConvLeakyReLU, x, filters, size)
        convolved = self.conv(x, filters, size=size, stride=stride)
        return self.activation(self.norm(convolved))

    def logits(self, x: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
        """Global average pooling and a linear map: [B, H, W, C] -> float32 [B, K]."""
        x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
        return keras.layers.Dense(
            num_classes, dtype="float32", name="logits", **self._initial(x.shape[-1])
        )(x)

    def norm(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """The style's normalisation."""
        if self._norm == "none":
            return x
        style = {"epsilon": 1e-5, "dtype": self._dtype}
        momentum = self._norm_momentum
        if self._norm == "batch":
            return BatchNormalization(momentum=momentum, **style)(x)
        if self._norm == "frozen_batch":
            return FrozenBatchNormalization(momentum=momentum, **style)(x)
        groups = 1 if self._norm == "layer" else math.gcd(8, x.shape[-1])
        return keras.layers.GroupNormalization(groups, **style)(x)

    def pool(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Means over 2x2 pixels; a last odd row or column is left out."""
        return keras.layers.AveragePooling2D(2, dtype=self._dtype)(x)

    def add(self, x: keras.KerasTensor, h: keras.KerasTensor) -> keras.KerasTensor:
        """The sum at the end of a residual block."""
        return keras.layers.Add(dtype=self._dtype)([x, h])

    def activation(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """The style's activation."""
        return Activation(self._activation, self._fused, dtype=self._dtype)(x)

    def _conv(
        self,
        layer: type[keras.layers.Conv2D],
        x: keras.KerasTensor,
        filters: int,
        size: int,
        stride: int = 1,
    ) -> keras.KerasTensor:
        padding, fan_in = "same", size * size * x.shape[-1]
        if stride > 1:
            x = keras.layers.ZeroPadding2D(size // 2, dtype=self._dtype)(x)
            padding = "valid"
        style = self._initial(fan_in) | {"padding": padding, "dtype": self._dtype}
        name = f"conv_{next(self._convolutions)}"  # numbered in order
        return layer(filters, size, stride, name=name, **style)(x)

    def _initial(self, fan_in: int) -> dict[str, keras.initializers.Initializer]:
        bound = self._gain * fan_in**-0.5
        return {
            f"{part}_initializer": keras.initializers.RandomUniform(
                -bound, bound, seed=next(self._seeds)
            )
            for part in ("kernel", "bias")
        }
