"""The constant in E(x): what a shift moves, and what it leaves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies, networks
from jem_tf.errors import InputError

SHAPE = (4, 4, 1)


def some_images(n=300):
    return np.random.default_rng(0).integers(0, 256, [n, *SHAPE]).astype("uint8")


def energies_of(network, images):
    return energies.marginal_energy(network(images / 127.5 - 1)).numpy()


def ending(*ends):
    flat = keras.layers.Flatten()
    return keras.Sequential([keras.Input(SHAPE), flat, keras.layers.Dense(9), *ends])


@pytest.mark.parametrize(
    "make",
    [
        lambda: networks.build("convnet-8", SHAPE, 4),
        lambda: ending(
            keras.Sequential([keras.layers.Dense(4, bias_initializer="normal")]),
            keras.layers.Activation("linear"),
        ),
    ],
)
def test_energies_of_real_images_are_0_on_average_and_softmax_is_as_before(make):
    network, images = make(), some_images()
    before = energies_of(network, images)
    softmax = tf.nn.softmax(network(images / 127.5 - 1))
    mean = networks.centre_energy(network, images)
    after = energies_of(network, images)
    assert abs(mean) > 0.1
    assert mean == pytest.approx(before.mean(), rel=1e-5)
    assert after.mean() == pytest.approx(0.0, abs=1e-5)
    np.testing.assert_allclose(before - mean, after, atol=1e-5)
    np.testing.assert_allclose(
        tf.nn.softmax(network(images / 127.5 - 1)), softmax, atol=1e-6
    )


@pytest.mark.parametrize(
    ("ends", "named"),
    [
        ([keras.layers.Dense(4, use_bias=False, name="last")], "last"),
        ([keras.layers.Dense(4), keras.layers.ReLU(name="last")], "last"),
    ],
)
def test_a_network_that_ends_in_no_biases_is_refused_and_left_alone(ends, named):
    network = ending(*ends)
    before = network.get_weights()
    with pytest.raises(
        InputError, match=f"^network ends in {named}, which has no bias"
    ):
        networks.centre_energy(network, some_images())
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_images_of_another_range_are_refused_before_the_network_is_changed():
    network = ending(keras.layers.Dense(4))
    before = network.get_weights()
    with pytest.raises(InputError, match="scale them to"):
        networks.centre_energy(network, some_images().astype("float32"))
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


class HeadFirst(keras.Model):
    """Its head is not the last of its layers, which are in the order of attributes."""

    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(4)
        self.flat, self.hidden = keras.layers.Flatten(), keras.layers.Dense(6)

    def call(self, images):
        return self.head(tf.nn.relu(self.hidden(self.flat(images))))


def divided():
    image = keras.Input(SHAPE)
    logits = keras.layers.Dense(4)(keras.layers.Flatten()(image))
    return keras.Model(image, logits / 10.0)


@pytest.mark.parametrize(
    "make",
    [HeadFirst, divided, lambda: ending(keras.layers.Dense(4, activation="relu"))],
)
def test_a_last_layer_that_does_not_shift_all_logits_is_left_alone(make):
    network, images = make(), some_images()
    before = network(images / 127.5 - 1)
    with pytest.raises(InputError, match="biases do not shift all logits alike"):
        networks.centre_energy(network, images)
    np.testing.assert_array_equal(network(images / 127.5 - 1), before)
