"""A classifier's features are what its last Dense layer makes logits of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import networks, pixels
from jem_tf.errors import InputError
from jem_tf.evaluation import features


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, [7, 8, 8, 1], "uint8")


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_features_times_the_last_layer_are_the_logits(images, dtype):
    net = networks.build("convnet-8", (8, 8, 1), 10, dtype=dtype)
    network = features.Penultimate(net)
    seen = network.extract(images)
    assert seen.features.shape == (7, network.width)
    assert seen.features.dtype == "float32"
    head = net.get_layer("logits")
    logits = seen.features @ head.kernel.numpy() + head.bias.numpy()
    np.testing.assert_allclose(
        seen.probabilities, tf.nn.softmax(logits), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(net(pixels.from_uint8(images)), logits, atol=1e-3)


def test_they_do_not_depend_on_the_batch_size(images):
    net = networks.build("convnet-8", (8, 8, 1), 10)
    network = features.Penultimate(net)
    for at_once, batched in zip(
        network.extract(images), network.extract(images, batch_size=3), strict=True
    ):
        np.testing.assert_allclose(at_once, batched, atol=1e-6)


def test_features_that_are_maps_are_flattened(images):
    image = keras.Input((8, 8, 1))
    net = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    assert features.Penultimate(net).extract(images).features.shape == (7, 64)


def test_a_network_without_such_a_layer_is_refused():
    image = keras.Input((8, 8, 1))
    net = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
    with pytest.raises(InputError, match="no Dense layer"):
        features.Penultimate(net)


def test_as_few_images_as_features_are_refused(images):
    network = features.Penultimate(networks.build("convnet-8", (8, 8, 1), 10))
    features.check_count(network.width + 1, network)
    with pytest.raises(InputError, match=f"^{network.width} images are too few"):
        features.check_count(network.width, network)
    with pytest.raises(InputError, match="by more patience"):
        features.check_count(network.width, network, "more patience")
