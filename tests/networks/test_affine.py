"""The layer against NumPy's broadcasting."""

import keras
import numpy as np
import pytest

from jem_tf.networks.affine import Affine


@pytest.mark.parametrize(
    ("shape", "axis"), [((5,), -1), ((4, 3, 5), -1), ((5, 3, 2), 1)]
)
def test_it_scales_and_shifts_the_channels_of_its_axis(shape, axis):
    network = keras.Sequential([keras.Input(shape), Affine(axis)])
    x, (scale, offset) = (
        np.random.normal(size=[2, *shape]),
        np.random.normal(size=[2, 5]),
    )
    np.testing.assert_array_equal(network(x), x.astype("float32"))
    network.set_weights([scale, offset])
    where = [1] * x.ndim
    where[axis] = 5
    expected = x * scale.reshape(where) + offset.reshape(where)
    np.testing.assert_allclose(network(x), expected, rtol=1e-5, atol=1e-5)
