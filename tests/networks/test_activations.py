"""Quick activations against TensorFlow's plain ones."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks, samplers
from jem_tf.networks import activations

PLAIN = {
    activations.leaky_relu: lambda x: tf.nn.leaky_relu(x, 0.2),
    activations.swish: lambda x: x * tf.sigmoid(x),
}
functions = pytest.mark.parametrize("quick", PLAIN, ids=["leaky_relu", "swish"])


def normal(*shape, seed=0):
    return tf.random.stateless_normal(shape, [seed, 0])


def whole(*shape, most, seed=0):
    """Whole numbers from -most to most, which bfloat16 holds, and their sums."""
    numbers = tf.random.stateless_uniform(shape, [seed, 0], -most, most + 1, tf.int32)
    return tf.cast(numbers, tf.float32)


def convolved(x, kernel, bias):
    return tf.nn.leaky_relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias, 0.2)


def gradients(function, *arguments):
    """The value, and the gradients of a weighted sum of it."""
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        y = function(*arguments)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * normal(*y.shape, seed=9))
    return [y, *tape.gradient(loss, arguments)]


def second_order(function, x):
    """The gradient of the squared norm of a gradient."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(function(x)))
        norm = tf.reduce_sum(tf.square(tape.gradient(loss, x)))
    return outer.gradient(norm, x)


@functions
@pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-6), ("bfloat16", 0.03)])
def test_values_and_gradients(quick, dtype, atol):
    x = tf.cast(2 * normal(4, 5, 5, 8), dtype)
    values = tf.function(gradients)(quick, x)
    expected = gradients(PLAIN[quick], tf.cast(x, tf.float32))
    for a, b in zip(values, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(tf.cast(a, tf.float32), b, atol=atol, rtol=atol)


@pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-4), ("bfloat16", 0.2)])
@pytest.mark.parametrize("size", [1, 3])
def test_a_convolution_with_its_activation(dtype, atol, size):
    """Of numbers whose sums are exact and never 0, where rounding would turn a sign."""
    x, kernel = whole(4, 6, 6, 8, most=2), whole(size, size, 8, 16, most=1, seed=1)
    arguments = x, kernel, whole(16, most=2, seed=2) + 0.5
    values = tf.function(gradients)(
        activations.convolved_leaky_relu, *(tf.cast(x, dtype) for x in arguments)
    )
    rounded = (tf.cast(tf.cast(x, dtype), tf.float32) for x in arguments)
    for a, b in zip(values, gradients(convolved, *rounded), strict=True):
        scale = np.abs(b).max()
        np.testing.assert_allclose(
            tf.cast(a, tf.float32) / scale, b / scale, atol=atol / 4
        )


@functions
def test_a_gradient_has_a_gradient(quick):
    x = normal(3, 4)
    np.testing.assert_allclose(
        second_order(quick, x), second_order(PLAIN[quick], x), rtol=1e-5, atol=1e-5
    )


def test_a_gradient_of_the_convolution_has_a_gradient():
    x, kernel, bias = normal(2, 5, 5, 3), normal(3, 3, 3, 4), normal(4)
    np.testing.assert_allclose(
        second_order(lambda x: activations.convolved_leaky_relu(x, kernel, bias), x),
        second_order(lambda x: convolved(x, kernel, bias), x),
        rtol=1e-4,
    )


def plain_wide_resnet(network, x):
    """WRN-10-w without layers: TensorFlow's operations on the network's weights."""
    numbers = itertools.count()

    def conv(x, stride=1):
        kernel, bias = network.get_layer(f"conv_{next(numbers)}").weights
        pad = kernel.shape[0] // 2
        x = tf.pad(x, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        return tf.nn.conv2d(x, kernel.value, stride, "VALID") + bias.value

    x = conv(x)
    for stride in (1, 2, 2):
        h = conv(tf.nn.leaky_relu(x, 0.2))
        h = conv(tf.nn.leaky_relu(h, 0.2), stride)
        x = h + conv(x[:, ::stride, ::stride])
    x = tf.reduce_mean(tf.nn.leaky_relu(x, 0.2), [1, 2])
    kernel, bias = network.get_layer("logits").weights
    return x @ kernel.value + bias.value


def test_the_float32_network_is_the_plain_one():
    network = networks.build("wrn-10-2", (8, 8, 3), 5, seed=3)
    x = normal(6, 8, 8, 3)
    values = gradients(network, x)
    expected = gradients(lambda x: plain_wide_resnet(network, x), x)
    for a, b in zip(values, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_chains_down_a_residual_network_in_bfloat16():
    """Grappler used to break the sums in the loop, see energy_model.py."""
    network = networks.build("wrn-10-2", (8, 8, 3), 5, dtype="mixed_bfloat16")
    walk = tf.function(
        lambda x: samplers.sgld(
            lambda x: energies.marginal_energy(network(x)),
            x,
            steps=25,
            step_size=1.0,
            noise=0.01,
            seed=[0, 0],
        )[0]
    )
    assert np.isfinite(walk(normal(64, 8, 8, 3))).all()


def test_a_network_can_be_cloned_and_kept(tmp_path):
    network = networks.build("wrn-10-1", (8, 8, 3), 5)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    x = normal(2, 8, 8, 3)
    np.testing.assert_array_equal(again(x), network(x))
