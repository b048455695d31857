"""The few layers that every network is made of, as functions of x [B, H, W, C]."""

import itertools

import keras
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.networks import activations

NORMS = ("none", "batch", "layer", "group")
ACTIVATIONS = {"leaky_relu": activations.leaky_relu, "swish": activations.swish}
PLAIN = {
    "leaky_relu": activations.plain_leaky_relu,
    "swish": activations.plain_swish,
}


@keras.saving.register_keras_serializable("jem_tf")
class Activation(keras.layers.Layer):
    """One of ACTIVATIONS as a layer, or of PLAIN if not fused."""

    def __init__(self, activation, fused=True, **kwargs):
        super().__init__(**kwargs)
        self.activation, self.fused = activation, fused

    def call(self, x):
        """Any shape -> the same."""
        return (ACTIVATIONS if self.fused else PLAIN)[self.activation](x)

    def compute_output_shape(self, input_shape):
        """The input's."""
        return input_shape

    def get_config(self):
        """What `from_config` makes an equal layer of."""
        own = {"activation": self.activation, "fused": self.fused}
        return super().get_config() | own


@keras.saving.register_keras_serializable("jem_tf")
class ConvLeakyReLU(keras.layers.Conv2D):
    """A convolution of stride 1 and "same" padding with its leaky ReLU in one."""

    def call(self, x):
        """[B, H, W, C] -> [B, H, W, filters]."""
        parts = (tf.convert_to_tensor(part) for part in (self.kernel, self.bias))
        return activations.convolved_leaky_relu(x, *parts)


class Layers:
    """Makes layers of one style, whose initial values `seed` alone determines.

    Args:
      norm: one of NORMS. "batch" makes an image's energy depend on its neighbours in
        training.
      activation: one of ACTIVATIONS; "leaky_relu" has the paper's slope of 0.2.
      gain: kernels and biases start as U(-b, b), b = gain / sqrt(fan_in). 1 is the
        paper's (PyTorch's default); sqrt(6) keeps the variance through a ReLU (He et
        al. 2015).
      seed: int.
      dtype: a Keras dtype policy, such as "mixed_bfloat16"; logits are float32 under
        any.
      fused: whether activations may be quick by way of XLA, which servers of models are
        built without. The weights are the same.
    """

    def __init__(
        self,
        *,
        norm="none",
        activation="leaky_relu",
        gain=1.0,
        seed=0,
        dtype="float32",
        fused=True,
    ):
        for name, value, known in (
            ("norm", norm, NORMS),
            ("activation", activation, ACTIVATIONS),
        ):
            if value not in known:
                raise InputError(
                    f"{name} is {value!r}; choose one of {', '.join(known)}."
                )
        self._norm, self._activation, self._gain = norm, activation, gain
        self._seeds, self._dtype = itertools.count(1000 * seed), dtype
        self._convolutions, self._fused = itertools.count(), fused

    def conv(self, x, filters, size=3, stride=1):
        """A convolution with bias and, as in PyTorch, size // 2 zeros all round."""
        if size == 1 and stride > 1:
            # oneDNN's strided 1x1 convolution corrupts the heap on its way back (TF
            # 2.20, 2.21). Pooling single pixels is quicker there than slicing.
            x = keras.layers.AveragePooling2D(1, stride, dtype=self._dtype)(x)
            stride = 1
        return self._conv(keras.layers.Conv2D, x, filters, size, stride)

    def activated_conv(self, x, filters, size=3, stride=1):
        """The activation of a normalised convolution, fused where that is possible."""
        fusible = self._norm == "none" and self._activation == "leaky_relu"
        if self._fused and fusible and stride == 1:
            return self._conv(ConvLeakyReLU, x, filters, size)
        return self.activation(self.norm(self.conv(x, filters, size, stride)))

    def _conv(self, layer, x, filters, size, stride=1):
        padding, fan_in = "same", size * size * x.shape[-1]
        if stride > 1:
            x = keras.layers.ZeroPadding2D(size // 2, dtype=self._dtype)(x)
            padding = "valid"
        style = self._initial(fan_in) | {"padding": padding, "dtype": self._dtype}
        name = f"conv_{next(self._convolutions)}"  # in the order of their making
        return layer(filters, size, stride, name=name, **style)(x)

    def logits(self, x, num_classes):
        """Global average pooling and a linear map: [B, H, W, C] -> float32 [B, K]."""
        x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
        return keras.layers.Dense(
            num_classes, dtype="float32", name="logits", **self._initial(x.shape[-1])
        )(x)

    def norm(self, x):
        """The style's normalisation."""
        if self._norm == "batch":
            return keras.layers.BatchNormalization(
                momentum=0.1, epsilon=1e-5, dtype=self._dtype
            )(x)
        if self._norm == "none":
            return x
        groups = 1 if self._norm == "layer" else 8
        return keras.layers.GroupNormalization(groups, epsilon=1e-5, dtype=self._dtype)(
            x
        )

    def add(self, x, h):
        """The sum at the end of a residual block."""
        return keras.layers.Add(dtype=self._dtype)([x, h])

    def activation(self, x):
        """The style's activation."""
        return Activation(self._activation, self._fused, dtype=self._dtype)(x)

    def _initial(self, fan_in):
        bound = self._gain * fan_in**-0.5
        return {
            f"{part}_initializer": keras.initializers.RandomUniform(
                -bound, bound, seed=next(self._seeds)
            )
            for part in ("kernel", "bias")
        }
