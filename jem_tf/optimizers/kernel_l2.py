"""Coupled (L2) weight decay of kernels.

A step adds `kernel_l2` times the kernel to each kernel's gradient, before momentum, as
PyTorch's SGD does to all weights: the loss has kernel_l2 / 2 times the squared norm of
the kernels more. Kernels are the weights whose names end in "kernel"; biases, scales
and offsets are left alone.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class KernelL2(keras.optimizers.Optimizer):
    """Mixed into an optimiser, which then takes `kernel_l2`, at least 0."""

    def __init__(self, *args: Any, kernel_l2: float = 0.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kernel_l2 = kernel_l2

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """As in Keras; also notes which of the variables are kernels."""
        names = [variable.name for variable in variables]
        self._kernels = frozenset(
            i for i, name in enumerate(names) if name.endswith("kernel")
        )
        super().build(variables)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """As in Keras, whose gradient is the sum over all replicas."""
        if self.kernel_l2 and self._get_variable_index(variable) in self._kernels:
            gradient += self.kernel_l2 * tf.cast(variable, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict[str, Any]:
        """The arguments from which `from_config` makes an equal optimiser."""
        return super().get_config() | {"kernel_l2": self.kernel_l2}
