"""A network's penultimate features: what its last Dense layer reads."""

from typing import Any, NamedTuple

import keras
import numpy as np

from jem_tf.errors import InputError, argument

MOST_FEATURES = 4096  # a covariance of more takes hundreds of megabytes


class Head(NamedTuple):
    """The end of a network.

    network: a model that shares the network's layers, from images [B, H, W, C] to
      (logits [B, K], features [B, D]).
    dense: the last Dense layer, [B, D] -> [B, K].
    """

    network: keras.Model
    dense: keras.layers.Dense

    def kernel_and_bias(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 [D, K] and [K]; a layer without a bias has one of zeros."""
        kernel = keras.ops.convert_to_numpy(self.dense.kernel)
        if self.dense.bias is None:
            return kernel, np.zeros(kernel.shape[1], "float32")
        return kernel, keras.ops.convert_to_numpy(self.dense.bias)


def find_head(network: keras.Model) -> Head:
    """Finds the last Dense layer of a functional or sequential network.

    Operations with one input, such as a scaling of the logits, may follow the layer,
    and it may be in a nested model that ends the network.

    Raises:
      InputError: if the network is subclassed, has no such layer, or the layer reads
        more than MOST_FEATURES numbers.
    """
    try:
        (logits,) = network.outputs
        step = logits._keras_history.operation
    except (AttributeError, TypeError, ValueError) as error:
        raise _no_features("it is not functional") from error
    x = logits
    while not isinstance(step, keras.layers.Dense):
        node = step._inbound_nodes[x._keras_history.node_index]
        if isinstance(step, keras.Model) and x is logits:
            return _find_in_nested(network, step, node)
        if len(node.input_tensors) != 1:
            raise _no_features("it does not end in a Dense layer")
        (x,) = node.input_tensors
        step = x._keras_history.operation
    features = step._inbound_nodes[x._keras_history.node_index].input_tensors[0]
    if len(features.shape) != 2 or step.units != logits.shape[-1]:
        raise _no_features(f"its layer {step.name} does not map features to classes")
    if features.shape[1] > MOST_FEATURES:
        raise _no_features(
            f"its layer {step.name} reads {features.shape[1]:,} numbers, more than "
            f"{MOST_FEATURES:,}"
        )
    return Head(keras.Model(network.inputs[0], [logits, features]), step)


def _find_in_nested(network: keras.Model, inner: Any, node: Any) -> Head:
    head = find_head(inner)
    both = head.network(node.input_tensors[0])
    return Head(keras.Model(network.inputs[0], both), head.dense)


def _no_features(why: str) -> InputError:
    return InputError(
        f"{argument('network')} has no features that scores of outliers could use, as "
        f"{why}; give a functional network that ends in Dense(num_classes)."
    )
