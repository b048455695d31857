import numpy as np
import pytest
import tensorflow as tf

from jem_tf.lowering.noise import noise_of_cpu

SHAPES = ([], [1], [5], [6, 1, 1, 1], [2, 8, 8, 3])
SEEDS = ([0, 0], [3, -7], [-(2**31), 2**31 - 1])
DRAWS = {
    "uniform": lambda shape, seed: tf.random.stateless_uniform(shape, seed, -1.0, 3.0),
    "normal": lambda shape, seed: tf.random.stateless_normal(shape, seed, 0.5, 2.0),
    "whole": lambda shape, seed: tf.random.stateless_uniform(
        shape, seed, -3, 9, tf.int32
    ),
    "split": lambda _, seed: tf.random.split(seed, 3),
    "fold in": lambda _, seed: tf.random.experimental.stateless_fold_in(seed, 12),
}


@pytest.mark.parametrize("name", DRAWS)
def test_compiled_numbers_are_those_of_the_cpus_kernels(name):
    for shape in SHAPES:
        draw = DRAWS[name]
        compiled = tf.function(lambda s: draw(shape, s), jit_compile=True)  # noqa: B023
        for seed in SEEDS:
            with noise_of_cpu():
                ours = compiled(tf.constant(seed))
            theirs = draw(shape, tf.constant(seed))
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def operations():
    drawn = tf.function(lambda: tf.random.stateless_normal([9], [1, 2]))
    return {op.type for op in drawn.get_concrete_function().graph.get_operations()}


def test_it_ends_with_the_context_and_leaves_other_types_alone():
    theirs = tf.random.stateless_normal([9], [1, 2], dtype=tf.float64)
    with noise_of_cpu():
        ours = tf.random.stateless_normal([9], [1, 2], dtype=tf.float64)
        within = operations()
    np.testing.assert_array_equal(ours, theirs)
    assert "StatelessRandomNormalV2" in operations() - within
