import numpy as np
import pytest
import tensorflow as tf

from jem_tf import starts
from jem_tf.errors import InputError

SHAPE = (4, 4, 3)

SHARES = "gaussian:0.7,uniform:0.1,altered:0.2"


@pytest.fixture(params=[*starts.STARTS, SHARES])
def start(request, dataset):
    return starts.build(request.param, SHAPE, *dataset, 2)


def test_a_start_is_images_in_range_that_its_seed_determines(start):
    first, again, other = (start(64, seed) for seed in ([0, 1], [0, 1], [0, 2]))
    assert first.shape == (64, *SHAPE)
    assert first.dtype == tf.float32
    assert np.abs(first).max() <= 1
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_a_start_takes_labels(start):
    assert start(6, [0, 1], tf.constant([0, 1, 0, 1, 0, 1])).shape == (6, *SHAPE)


@pytest.mark.parametrize("name", ["gaussian", "mixed"])
def test_a_class_without_any_image_is_refused_by_its_number(dataset, name):
    says = "of class 2, 4 there is no image; add some, or choose start=uniform"
    labels = np.where(np.arange(4000) == 7, 3, dataset[1])
    with pytest.raises(InputError, match=says):
        starts.build(name, SHAPE, dataset[0], labels, 5)


def test_the_mixed_start_is_a_tenth_uniform_and_else_gaussian(dataset):
    uniform, gaussian, mixed = (
        starts.build(name, SHAPE, *dataset, 2)
        for name in ("uniform", "gaussian", "mixed")
    )
    expected = starts.mixture(uniform, gaussian, 0.1)(64, [0, 1])
    np.testing.assert_array_equal(mixed(64, [0, 1]), expected)


def test_a_start_that_does_not_exist_is_refused():
    says = "^start=normal is not known; choose one of uniform, gaussian, mixed"
    with pytest.raises(InputError, match=says):
        starts.build("normal", SHAPE, None, None, 2)


def test_a_start_draws_the_same_images_with_their_origins(start):
    images, origins = start.with_origins(64, [0, 1])
    np.testing.assert_array_equal(images, start(64, [0, 1]))
    assert (origins.shape, origins.dtype) == ([64], tf.int32)
    assert {*origins.numpy()} <= {*range(len(starts.ORIGINS))}


def test_a_start_compiles_with_xla(start):
    compiled = tf.function(start.with_origins, jit_compile=True)
    images, _ = compiled(8, tf.constant([0, 1]), tf.constant([0, 1] * 4))
    assert images.shape == (8, *SHAPE)
    assert np.abs(images).max() <= 1


def test_every_kind_of_start_can_be_kept_in_a_file(start):
    assert type(start) in starts.KINDS.values()
