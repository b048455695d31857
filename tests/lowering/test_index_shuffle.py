import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.lowering.index_shuffle import index_shuffle

SEEDS = ([0, 0], [7, 1], [-3, 2**31 - 1], [-(2**31), 12345])
SIZES = (1, 3, 1437, 45_000, 2**16, 2**16 + 1, 2**16 + 2, 300_000, 2**33, 2**40)
compiled = tf.function(index_shuffle, jit_compile=True, autograph=False)


@pytest.mark.parametrize("size", SIZES)
def test_it_is_tensorflows_for_any_size_seed_and_index(size):
    rng = np.random.default_rng(size)
    index = tf.constant(rng.integers(0, size, 200), tf.int64)
    for seed in SEEDS:
        theirs = tf.random.experimental.index_shuffle(index, seed, size - 1)
        ours = compiled(index, tf.constant(seed), size - 1)
        np.testing.assert_array_equal(ours, theirs)


def test_it_permutes():
    places = compiled(tf.range(1000, dtype=tf.int64), tf.constant([5, 6]), 999)
    np.testing.assert_array_equal(np.sort(places), np.arange(1000))


@pytest.mark.parametrize("largest", [-1, 2**62])
def test_a_size_that_it_cannot_permute_is_refused(largest):
    with pytest.raises(InputError, match=f"max_index={largest} must lie"):
        index_shuffle(tf.constant([0], tf.int64), [0, 0], largest)
