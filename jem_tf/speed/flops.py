"""Floating-point operations, counted from a network's shapes.

A multiplication and an addition are two. A convolution of k x k from C to F channels
takes 2 k^2 C F a pixel of what it returns, a linear map 2 C F; all else, an activation
or a sum, is not counted. A gradient by a layer's input takes what the layer takes, one
by its weights takes as much again. With f a forward pass, f1 of it in the first layer:

    a chain of K steps     2 K f               by the image alone
    an update              3 f - f1            by the weights; no one asks for the image
    a training step        n 2 K f + (labelled + real + n) (3 f - f1)
"""

import math

import keras


def of_layer(layer):
    """Of one pass of one image through a layer."""
    if isinstance(layer, keras.layers.Conv2D):
        pixels = math.prod(layer.output.shape[1:3])
        return 2 * pixels * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return 2 * math.prod(layer.kernel.shape)
    return 0


def forward(network):
    """Of a forward pass of one image."""
    return sum(map(of_layer, network.layers))


def chain(network, chains, steps):
    """Of `chains` chains of `steps` SGLD steps."""
    return 2 * chains * steps * forward(network)


def update(network, images):
    """Of the gradient of a loss over so many images by the weights."""
    first = next(filter(None, map(of_layer, network.layers)))
    return images * (3 * forward(network) - first)
