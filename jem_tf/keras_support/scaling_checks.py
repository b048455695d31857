"""Whether a network scales its images as if their pixels were bytes, not in [-1, 1].

The network is tried, whatever it does the scaling by: a layer, an operation, a `Lambda`
or code of its own. What counts is what reaches the first layer with a kernel, x:

    pixels of -1 and 1   x = -1 and 1, or 0 and 1, or 0 and 255: any such range is fine
    x / 255              x = -.004 and .004: images differ by next to nothing
    x / 127.5 - 1        x = -1.008 and -.992: the same
    x - 120              x = -121 and -119: images are all alike beside their mean
    2 x - 1              x = -3 and 1: made for pixels of 0..1
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from jem_tf.errors import InputError, argument

LEAST_SPAN = 2 / 100  # of x between pixels of -1 and 1: a hundredth of the pixels'
MOST_OFFSET = 10  # of x from 0, in halves of its span
REMEDIES = {"0..255": "Rescaling(127.5, 127.5)", "0..1": "Rescaling(0.5, 0.5)"}


class _Reached(BaseException):
    """A layer with a kernel was called: the rest of the network need not run.

    It is no Exception, which a network's own code may catch.
    """


def check_scaling(network: keras.Model, image_shape: tuple[int, ...]) -> None:
    """Refuses a network that scales pixels of 0..255, or of 0..1, at its head.

    Nothing is said of a network whose layers have no kernels, or that looks at an image
    before them (its mean, its edges) in a way that this does not tell.

    Args:
      network: a built model of images [B, H, W, C].
      image_shape: (H, W, C) of the images to try.

    Raises:
      InputError: if it does.
    """
    layer, reaching = _first_kernel_input(network, _images(image_shape))
    if layer is None or not reaching.size:
        return
    low, high = reaching.min(0), reaching.max(0)
    moving = high - low >= np.max(high - low) / 2
    low, high = low[moving], high[moving]
    made_for = _range_made_for(low, high)
    if made_for:
        raise InputError(
            f"{argument('network')} scales pixels of {made_for}: of a JEM's images in "
            f"[-1, 1], {np.min(low):.4g} to {np.max(high):.4g} would reach its layer "
            f"{layer.name}; leave the scaling out, or put {REMEDIES[made_for]} before "
            "it."
        )


def _range_made_for(low: np.ndarray, high: np.ndarray) -> str | None:
    """The range of pixels that a network expects; None for a JEM's or an unknown one.

    Args:
      low, high: bounds of what reaches the first kernel, float [n].
    """
    span, centre = high - low, (high + low) / 2
    if not 0 < np.max(span) < np.inf:
        return None
    if np.max(span) <= LEAST_SPAN or np.min(np.abs(centre) / span) > MOST_OFFSET / 2:
        return "0..255"
    as_unit = np.allclose(low, -3, atol=0.02) and np.allclose(high, 1, atol=0.02)
    return "0..1" if as_unit else None


def _images(shape: tuple[int, ...]) -> tf.Tensor:
    """Four images in [-1, 1]: of -1, of 1, and two of noise."""
    noise = tf.random.stateless_uniform([2, *shape], [0, 0], -1.0, 1.0)
    return tf.concat([-tf.ones([1, *shape]), tf.ones([1, *shape]), noise], 0)


def _first_kernel_input(
    network: keras.Model, images: tf.Tensor
) -> tuple[Any, np.ndarray]:
    """(The first layer with a kernel, what reaches it: float64 [B, n]).

    The layer is None, and the array empty, if there is no such layer, or if what
    reaches it has no values, as in a graph, or no row for each image.
    """
    calls: list[tuple[Any, Any]] = []
    with _watched(network, calls), contextlib.suppress(_Reached):
        network(images, training=False)
    layer, x = calls[0] if calls else (None, None)
    if not isinstance(x, tf.__internal__.EagerTensor):
        return None, np.empty([0])
    values = tf.cast(x, tf.float64).numpy()
    if not values.size or len(values) % len(images):
        return None, np.empty([0])
    values = values.reshape(len(images), -1)
    return layer, values[:, np.isfinite(values).all(0)]


@contextlib.contextmanager
def _watched(network: keras.Model, calls: list) -> Iterator[None]:
    """Layers with kernels enter (layer, its input) in `calls`, and raise _Reached."""
    with contextlib.ExitStack() as until_the_end:
        for layer in filter(_has_kernel, network._flatten_layers(include_self=False)):

            def reach(x=None, *args, layer=layer, **kwargs):
                calls.append((layer, x))
                raise _Reached

            layer.call = reach
            until_the_end.callback(delattr, layer, "call")
        yield


def _has_kernel(layer: Any) -> bool:
    """Whether a layer without parts has a weight of two axes or more."""
    if isinstance(layer, keras.layers.Normalization) or layer._layers:
        return False
    return any(len(weight.shape) > 1 for weight in layer.weights)
