import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.starts import origins

SHAPE = (4, 4, 3)


@pytest.mark.parametrize("name", starts.ORIGINS)
def test_a_start_tells_its_origin_by_its_place(name, dataset):
    start = starts.build(name, SHAPE, *dataset, 2)
    images, told = origins.draw_with_origins(start, 5, [0, 1])
    np.testing.assert_array_equal(images, start(5, [0, 1]))
    np.testing.assert_array_equal(told, [starts.ORIGINS.index(name)] * 5)
    assert told.dtype == tf.int32


def test_a_start_of_a_users_own_does_not_tell():
    grey = lambda n, seed, labels=None: tf.zeros([n, *SHAPE])  # noqa: E731
    images, told = origins.draw_with_origins(grey, 3, [0, 1])
    assert images.shape == (3, *SHAPE)
    np.testing.assert_array_equal(told, [origins.UNKNOWN_ORIGIN] * 3)


def test_the_numbers_in_checkpoints_do_not_change():
    assert starts.ORIGINS[:3] == ("uniform", "gaussian", "altered")
    assert starts.ALTERED == 2
