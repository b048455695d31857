"""The classifier's network: its channels, its resolution, what it costs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf import networks
from jem_tf.benchmarks import flops
from jem_tf.errors import InputError
from tests.networks.convolutions import list_convolutions


@pytest.mark.parametrize(
    ("side", "sides"),
    [
        (32, (32, 32, 16, 16, 8, 8, 4)),
        (8, (8, 8, 4, 4, 2, 2, 2)),
        (3, (3,) * 7),
    ],
)
def test_pairs_of_convolutions_come_before_pooling_which_leaves_two_pixels(side, sides):
    network = networks.build("vgg-16", (side, side, 3), 10)
    made = [
        (layer.output.shape[1], layer.filters, layer.kernel_size)
        for layer in list_convolutions(network)
    ]
    filters = (8, 16, 16, 64, 64, 64, 64)
    assert made == [(*pair, (3, 3)) for pair in zip(sides, filters, strict=True)]


def test_the_preset_costs_a_third_of_a_gflop_an_image_for_two_million_parameters():
    network = networks.build("vgg-64", (32, 32, 3), 10)
    assert network.count_params() == pytest.approx(1.98e6, rel=0.01)
    assert flops.count_forward(network) == pytest.approx(0.30e9, rel=0.02)


@pytest.mark.parametrize("width", [0, 4, 20])
def test_widths_that_are_not_multiples_of_8_are_refused(width):
    with pytest.raises(InputError, match=f"^network=vgg-{width} does not exist"):
        networks.build(f"vgg-{width}", (8, 8, 3), 10)


def test_statistics_follow_the_batches_within_a_short_run():
    """After forty batches, a statistic is theirs and not its initial value."""
    network = networks.build("vgg-8", (4, 4, 1), 2, norm="batch")
    norm = next(
        x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)
    )
    inside = keras.Model(network.input, [norm.input, norm.output])
    images = tf.random.stateless_normal([64, 4, 4, 1], [0, 0])
    for _ in range(40):
        convolved, _ = inside(images, training=True)
    means = tf.reduce_mean(convolved, [0, 1, 2])
    np.testing.assert_allclose(norm.moving_mean, means, rtol=0.02)
