"""Floating-point operations, counted from a network's shapes.

A multiplication and an addition are two. A convolution of k x k from C to F channels
takes 2 k^2 C F a pixel of its output, a linear map 2 C F; all else, an activation or a
sum, is not counted. A gradient by a layer's input takes as many as the layer, one by
its weights as many again. With f a forward pass, f1 of it in the first layer:

    a chain of K steps     2 K f               by the image alone
    an update              3 f - f1            by the weights; not by the image
    a training step        n 2 K f + (labelled + real + n) (3 f - f1)
"""

import math

import keras


def count_layer(layer: keras.layers.Layer) -> int:
    """Counts the operations of one pass of one image through a layer."""
    if isinstance(layer, keras.layers.Conv2D):
        pixels = math.prod(layer.output.shape[1:3])
        return 2 * pixels * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return 2 * math.prod(layer.kernel.shape)
    return 0


def count_forward(network: keras.Model) -> int:
    """Counts the operations of a forward pass of one image."""
    return sum(map(count_layer, network.layers))


def chain_flops(network: keras.Model, chains: int, *, steps: int) -> int:
    """Counts the operations of `chains` chains of `steps` sampler steps."""
    return 2 * chains * steps * count_forward(network)


def count_update(network: keras.Model, images: int) -> int:
    """Counts the operations of the gradient by the weights of a loss over images."""
    first = next(filter(None, map(count_layer, network.layers)))
    return images * (3 * count_forward(network) - first)
