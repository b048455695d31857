"""Floating-point operations, counted from a network's shapes.

A multiplication and an addition are two operations. A convolution of k x k from C to F
channels takes 2 k^2 C F for each pixel of its output, a linear map 2 C F; activations,
sums and all else are not counted. The gradient by the input of a layer takes as many as
the layer, and so does the gradient by its weights. Let f be the operations of a forward
pass, f1 those of its first layer, and n the number of chains:

    a chain of K steps     2 K f               gradients by the image alone
    an update              3 f - f1            gradients by the weights
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


def count_update(
    network: keras.Model, images: int, *, forward: int = 1, backward: int = 1
) -> int:
    """Counts the operations of a loss over images and its gradient by the weights.

    Args:
      network: the network.
      images: how many.
      forward, backward: passes of each kind: more with sharpness-aware minimisation.
    """
    first = next(filter(None, map(count_layer, network.layers)))
    once = count_forward(network)
    return images * (forward * once + backward * (2 * once - first))
