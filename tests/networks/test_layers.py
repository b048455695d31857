"""Padding, initial values and styles of the layers that networks are made of."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import networks
from jem_tf.errors import InputError
from jem_tf.networks import layers
from tests.networks.convolutions import list_convolutions


def test_a_strided_convolution_pads_as_pytorch_does():
    network = networks.build("wrn-10-1", (4, 4, 1), 2)
    strided = next(x for x in list_convolutions(network) if x.strides == (2, 2))
    kernel, bias = strided.get_weights()
    x = tf.random.stateless_normal([1, 4, 4, kernel.shape[2]], [0, 0])
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    corner = np.einsum("hwc,hwco->o", padded[0, :3, :3], kernel) + bias
    convolve = keras.Model(strided.input, strided.output)  # behind the ZeroPadding2D
    np.testing.assert_allclose(convolve(padded)[0, 0, 0], corner, atol=1e-5)
    assert convolve(padded).shape[1:3] == (2, 2)


def test_the_papers_network_starts_within_its_bounds():
    network = networks.build("wrn-10-1", (32, 32, 3), 10)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            bound = np.prod(kernel.shape[:-1]) ** -0.5
            assert bound * 0.8 < np.abs(kernel).max() <= bound
            assert np.abs(bias).max() <= bound


@pytest.mark.parametrize("name", ["norm", "activation"])
def test_styles_that_do_not_exist_are_refused_by_name(name):
    with pytest.raises(InputError, match=f"^{name}=spectral is not known"):
        layers.Layers(**{name: "spectral"})
