"""Activations that read and write memory as little as TensorFlow allows.

On a CPU a network's activations take as much time as its convolutions, in bfloat16 more
(docs/speed.md). Two things help. A gradient computed from the activation's output
rather than from its input lets Grappler fuse a convolution, its bias and the activation
in the forward pass; and XLA makes one loop of a kernel where TensorFlow makes many. The
functions called plain do not use XLA, because model servers are built without it.
"""

from collections.abc import Callable

import tensorflow as tf

_outside_autograph = tf.autograph.experimental.do_not_convert  # keeps the gradient
SLOPE = 0.2  # of the leaky ReLU, as in the authors' code


def _kernel(
    function: Callable[..., tf.Tensor],
) -> tf.types.experimental.GenericFunction:
    """The function as one XLA loop, whether or not its caller is compiled."""
    return tf.function(function, jit_compile=True, autograph=False)


@_kernel
def leaky_relu_gradient(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """dL/dx of y = leaky_relu(x): both tensors of one shape -> the same."""
    return tf.where(y > 0, dy, dy * tf.constant(SLOPE, dy.dtype))


@_kernel
def _swish(x: tf.Tensor) -> tf.Tensor:
    wide = tf.cast(x, tf.float32)
    return tf.cast(wide * tf.sigmoid(wide), x.dtype)


@_kernel
def _swish_gradient(x: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    wide = tf.cast(x, tf.float32)
    s = tf.sigmoid(wide)
    slope = s * (1 + wide * (1 - s))
    return tf.cast(slope * tf.cast(dy, tf.float32), dy.dtype)


def _leaky_relu(
    x: tf.Tensor, gradient: Callable[..., tf.Tensor]
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    # Grappler's remapper fails on a sum followed by a leaky ReLU, and every other
    # fusion of the graph is then lost: the operation between hides one from the other.
    y = tf.nn.leaky_relu(tf.ensure_shape(x, x.shape), SLOPE)
    return y, lambda dy: gradient(y, dy)


@_outside_autograph
@tf.custom_gradient
def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """max(x, 0.2 x): any shape -> the same."""
    return _leaky_relu(x, leaky_relu_gradient)


@_outside_autograph
@tf.custom_gradient
def plain_leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """`leaky_relu` without XLA: any shape -> the same."""
    return _leaky_relu(x, leaky_relu_gradient.python_function)


@_outside_autograph
@tf.custom_gradient
def swish(x: tf.Tensor) -> tf.Tensor:
    """x sigmoid(x), computed in float32: any shape -> the same."""
    return _swish(x), lambda dy: _swish_gradient(x, dy)


@_outside_autograph
@tf.custom_gradient
def plain_swish(x: tf.Tensor) -> tf.Tensor:
    """`swish` without XLA: any shape -> the same."""
    plain, gradient = _swish.python_function, _swish_gradient.python_function
    return plain(x), lambda dy: gradient(x, dy)


@_outside_autograph
@tf.custom_gradient
def convolved_leaky_relu(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """leaky_relu(x * kernel + bias), zero-padded, as one primitive of oneDNN.

    Args:
      x: [B, H, W, C].
      kernel: [k, k, C, F], k odd.
      bias: [F].

    Returns:
      [B, H, W, F].
    """
    how = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    raw = tf.raw_ops
    h = tf.nn.bias_add(raw.Conv2D(input=x, filter=kernel, **how), bias)
    y = tf.nn.leaky_relu(h, SLOPE)

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # Written by hand, so that nothing but the activation reads h: only then is the
        # forward pass fused.
        dh = leaky_relu_gradient(y, dy)
        return (
            raw.Conv2DBackpropInput(
                input_sizes=tf.shape(x), filter=kernel, out_backprop=dh, **how
            ),
            raw.Conv2DBackpropFilter(
                input=x, filter_sizes=tf.shape(kernel), out_backprop=dh, **how
            ),
            raw.BiasAddGrad(out_backprop=dh),
        )

    return y, gradient
