"""Networks without batch normalisation that compute what those with it do.

With its moving statistics, batch normalisation multiplies each channel by a number a
and adds a number b:

    a = gamma / sqrt(moving variance + epsilon)         b = beta - a moving mean

A linear layer before it, of kernel W and bias c, takes them over: its kernel is then
a W and its bias a c + b (Jacob et al. 2018, section 3.2).
"""

import itertools
from typing import Any

import keras
import numpy as np
from keras import tree
from keras.src.models.functional import Functional

from jem_tf.errors import InputError, argument
from jem_tf.networks.affine import Affine
from jem_tf.networks.batch_norm import BatchNormalization, FrozenBatchNormalization

NORMALISATIONS = (
    keras.layers.BatchNormalization,
    BatchNormalization,
    FrozenBatchNormalization,
)
# Layers that take a and b over, and the name of the kernel that does.
LINEAR = {
    keras.layers.Conv2D: "kernel",
    keras.layers.Dense: "kernel",
    keras.layers.DepthwiseConv2D: "kernel",
    keras.layers.SeparableConv2D: "pointwise_kernel",
}


def fold_batch_norm(network: keras.Model) -> keras.Model:
    """Copies a network; the copy computes the same without batch normalisation.

    Where the batch normalisation alone reads a convolution or dense layer without an
    activation, that layer takes it over; elsewhere an `Affine` layer of its name stands
    in its place. Other layers keep their names, weights and dtype policies. The network
    is not changed.

    Args:
      network: functional or sequential, built; models in it, too.

    Returns:
      A functional `keras.Model`, with float32 rounding's differences in its outputs.

    Raises:
      InputError: if a layer cannot be folded: if it is called with training=True, or
        has batch normalisation within code of its own, as subclassed models have.
    """
    return _Folding(network).copy()


class _Folding:
    """The copy of one model, whose models are copied likewise.

    Args:
      model: a functional or sequential model.
    """

    def __init__(self, model: keras.Model):
        graph = getattr(model, "_functional", None) or model
        known = isinstance(graph, Functional) and type(graph).call is Functional.call
        if not known:
            raise _refusal(model, "is neither functional nor a built Sequential")
        self._graph, self._name = graph, model.name
        nodes = itertools.chain.from_iterable(graph._nodes_by_depth.values())
        self._nodes = [node for node in nodes if not node.is_input]
        self._copies: dict[int, Any] = {}  # by the id of what is copied
        self._taken = self._find_taken()  # {id of a linear layer: its normalisation}
        self._gone = {id(norm) for norm in self._taken.values()}
        for node in self._nodes:
            _check(node)

    def copy(self) -> keras.Model:
        """Makes the copy."""
        inputs = tree.map_structure(
            lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name),
            self._graph._inputs_struct,
        )
        outputs = self._graph._run_through_graph(inputs, call_fn=self._call)
        folded = keras.Model(inputs, outputs, name=self._name)
        self._copy_weights()
        return folded

    def _find_taken(self) -> dict[int, Any]:
        calls = [id(node.operation) for node in self._nodes]
        outputs = {id(x) for x in tree.flatten(self._graph.outputs)}
        taken = {}
        for node in self._nodes:
            if type(node.operation) not in NORMALISATIONS:
                continue
            image = node.input_tensors[0]
            linear = image._keras_history.operation
            readers = sum(image is x for n in self._nodes for x in n.input_tensors)
            once = calls.count(id(linear)) == calls.count(id(node.operation)) == 1
            alone = readers == 1 and id(image) not in outputs
            if once and alone and _takes(linear, node.operation, len(image.shape)):
                taken[id(linear)] = node.operation
        return taken

    def _call(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the copy of an operation, as the operation is called."""
        if id(operation) in self._gone:
            return args[0] if args else kwargs["inputs"]
        if isinstance(operation, keras.layers.BatchNormalization):
            args, kwargs = (args[0] if args else kwargs["inputs"],), {}
        if not isinstance(operation, keras.layers.Layer):
            return operation(*args, **kwargs)
        if id(operation) not in self._copies:
            self._copies[id(operation)] = operation, self._copied(operation)
        return self._copies[id(operation)][1](*args, **kwargs)

    def _copied(self, layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return _Folding(layer).copy()
        if isinstance(layer, keras.layers.BatchNormalization):
            style = {"name": layer.name, "dtype": layer.dtype_policy}
            return Affine(layer.axis, trainable=layer.trainable, **style)
        config = layer.get_config()
        if id(layer) in self._taken:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def _copy_weights(self) -> None:
        for layer, copy in self._copies.values():
            if id(layer) in self._taken:
                _take_over(layer, copy, self._taken[id(layer)])
            elif isinstance(copy, Affine) and not isinstance(layer, Affine):
                copy.set_weights(_scale_and_offset(layer))
            elif not isinstance(layer, keras.Model):
                _copy_state(layer, copy)


def _takes(layer: Any, norm: Any, rank: int) -> bool:
    """Whether a layer is linear, with its channels where the normalisation's are."""
    if type(layer) not in LINEAR or layer.activation is not keras.activations.linear:
        return False
    if getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", 0):
        return False
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return norm.axis % rank == (1 if first else rank - 1)


def _scale_and_offset(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """a and b of a normalisation, float64 [C] each."""
    mean, variance = (
        np.asarray(x, "float64") for x in (norm.moving_mean, norm.moving_variance)
    )
    a = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        a *= np.asarray(norm.gamma, "float64")
    b = -a * mean
    return a, b + np.asarray(norm.beta, "float64") if norm.center else b


def _take_over(layer: Any, copy: Any, norm: Any) -> None:
    """Gives the copy of a linear layer the layer's weights with a and b in them."""
    a, b = _scale_and_offset(norm)
    weights = {x.name: np.asarray(x, "float64") for x in layer.weights}
    name = LINEAR[type(layer)]
    of_input = isinstance(layer, keras.layers.DepthwiseConv2D)  # [h, w, C, multiplier]
    kernel = weights[name]
    weights[name] = kernel * (a.reshape(kernel.shape[2:]) if of_input else a)
    weights["bias"] = weights.get("bias", 0.0) * a + b
    for weight in copy.weights:
        weight.assign(weights[weight.name])


def _copy_state(layer: Any, copy: Any) -> None:
    """Copies the weights of a layer and of layers in it, and what it makes of them."""
    pairs = zip(layer._flatten_layers(), copy._flatten_layers(), strict=True)
    for original, other in pairs:
        store: dict[str, Any] = {}
        original.save_own_variables(store)
        if store:
            other.load_own_variables(store)


def _check(node: Any) -> None:
    """Refuses a call of batch normalisation that is not what its statistics say."""
    layer, (_, *others) = node.operation, node.arguments.args or (None,)
    if not isinstance(layer, keras.layers.Layer):
        return
    inside = [
        x
        for x in layer._flatten_layers()
        if isinstance(x, keras.layers.BatchNormalization)
    ]
    if not inside or isinstance(layer, FrozenBatchNormalization):
        return
    if True in (node.arguments.kwargs.get("training"), *others):
        raise _refusal(layer, "is called with training=True")
    own = type(layer) in NORMALISATIONS or isinstance(layer, keras.Model)
    if not own:
        raise _refusal(
            layer, f"has batch normalisation ({inside[0].name}) in code of its own"
        )


def _refusal(layer: Any, why: str) -> InputError:
    return InputError(
        f"{argument('network')}'s layer {layer.name} {why}, so batch normalisation "
        "cannot be folded; build the network of Keras's layers, functional or "
        "sequential, or keep its statistics as they are."
    )
