import keras
import numpy as np
import pytest

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.evaluation import penultimate
from tests import tiny_models

SHAPE = tiny_models.SHAPE


def sequential():
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, use_bias=False),
        ]
    )


def nested():
    image = keras.Input(SHAPE)
    return keras.Model(image, tiny_models.network()(keras.layers.ReLU()(image)))


def scaled():
    image = keras.Input(SHAPE)
    return keras.Model(image, keras.layers.Activation("linear")(nested()(image)))


def rescaled():
    net = tiny_models.network()
    return keras.Model(net.inputs[0], keras.layers.Rescaling(0.5)(net.outputs[0]))


@pytest.mark.parametrize(
    ("make", "scale"),
    [
        (tiny_models.network, 1),
        (sequential, 1),
        (nested, 1),
        (rescaled, 0.5),
        (lambda: networks.build("convnet-8", SHAPE, 3), 1),
        (lambda: networks.build("wrn-10-1", SHAPE, 3, dtype="mixed_bfloat16"), 1),
    ],
)
def test_the_last_layer_of_the_features_gives_the_networks_logits(make, scale):
    network = make()
    images, _ = tiny_models.floats()
    head = penultimate.find_head(network)
    logits, features = (np.asarray(x, "float32") for x in head.network(images))
    np.testing.assert_allclose(logits, network(images), rtol=1e-5, atol=1e-6)
    kernel, bias = head.kernel_and_bias()
    assert features.shape == (len(images), len(kernel))
    again = scale * (features @ kernel + bias)
    np.testing.assert_allclose(again, logits, rtol=1e-4, atol=1e-5)
    assert head.network.count_params() == network.count_params()


class Subclassed(keras.Model):
    """What find_head cannot look into."""

    def __init__(self):
        super().__init__()
        self.inner = tiny_models.network()

    def call(self, x):
        return self.inner(x)


def convolutional():
    image = keras.Input(SHAPE)
    x = keras.layers.Conv2D(3, 1)(image)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))


def wide():
    image = keras.Input((40, 40, 3))
    x = keras.layers.Flatten()(image)
    return keras.Model(image, keras.layers.Dense(3)(x))


def two_heads():
    image = keras.Input(SHAPE)
    x = keras.layers.Flatten()(image)
    ends = [keras.layers.Dense(3)(x), keras.layers.Dense(3)(x)]
    return keras.Model(image, keras.layers.Add()(ends))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Subclassed, "as it is not functional; give"),
        (convolutional, "as it does not end in a Dense layer"),
        (two_heads, "as it does not end in a Dense layer"),
        (scaled, "as it does not end in a Dense layer"),
        (wide, "reads 4,800 numbers, more than 4,096"),
    ],
)
def test_a_network_without_features_is_refused_in_a_sentence(make, says):
    with pytest.raises(InputError, match=says) as raised:
        penultimate.find_head(make())
    assert "\n" not in str(raised.value)
