"""Activations whose passes over memory are as few as TensorFlow allows.

On a CPU a network's activations cost as much time as its convolutions, in bfloat16 more
(docs/speed.md). Two things help. A gradient computed from what the activation returned,
not from what it was given, lets Grappler fuse forward a convolution, its bias and the
activation; and XLA makes one loop of a kernel where TensorFlow makes many. The plain
ones do without XLA, which servers of models are built without.
"""

import tensorflow as tf

_as_it_is = tf.autograph.experimental.do_not_convert  # it would lose the gradient
SLOPE = 0.2  # of the leaky ReLU, as in the authors' code


def _kernel(function):
    """The function as one XLA loop, whatever else is compiled or not."""
    return tf.function(function, jit_compile=True, autograph=False)


@_kernel
def leaky_relu_gradient(y, dy):
    """dL/dx of y = leaky_relu(x): both tensors of one shape -> the same."""
    return tf.where(y > 0, dy, dy * tf.constant(SLOPE, dy.dtype))


@_kernel
def _swish(x):
    wide = tf.cast(x, tf.float32)
    return tf.cast(wide * tf.sigmoid(wide), x.dtype)


@_kernel
def _swish_gradient(x, dy):
    wide = tf.cast(x, tf.float32)
    s = tf.sigmoid(wide)
    slope = s * (1 + wide * (1 - s))
    return tf.cast(slope * tf.cast(dy, tf.float32), dy.dtype)


def _leaky_relu(x, gradient):
    # Grappler's remapper fails on a sum followed by a leaky ReLU, and with it every
    # other fusion of the graph is lost: the op between hides one from the other.
    y = tf.nn.leaky_relu(tf.ensure_shape(x, x.shape), SLOPE)
    return y, lambda dy: gradient(y, dy)


@_as_it_is
@tf.custom_gradient
def leaky_relu(x):
    """max(x, 0.2 x): any shape -> the same."""
    return _leaky_relu(x, leaky_relu_gradient)


@_as_it_is
@tf.custom_gradient
def plain_leaky_relu(x):
    """The same without XLA."""
    return _leaky_relu(x, leaky_relu_gradient.python_function)


@_as_it_is
@tf.custom_gradient
def swish(x):
    """x sigmoid(x), computed in float32: any shape -> the same."""
    return _swish(x), lambda dy: _swish_gradient(x, dy)


@_as_it_is
@tf.custom_gradient
def plain_swish(x):
    """The same without XLA."""
    plain, gradient = _swish.python_function, _swish_gradient.python_function
    return plain(x), lambda dy: gradient(x, dy)


@_as_it_is
@tf.custom_gradient
def convolved_leaky_relu(x, kernel, bias):
    """leaky_relu(x * kernel + bias), zeros all round, as one primitive of oneDNN.

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

    def gradient(dy):
        # By hand, so that h is no one's but the activation's.
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
