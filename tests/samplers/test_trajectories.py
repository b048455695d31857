"""Walks looked at step by step, and compiled."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import samplers

SEED = [3, 4]


def quadratic(x):
    return tf.reduce_sum(x**2, [1, 2, 3]) / 2


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_trace_has_every_step_and_its_energy(steps):
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 1])
    sampler = samplers.build("sgld", step_size=0.1, noise=0.2)
    trace = samplers.trace(sampler, quadratic, x, steps=steps, seed=SEED)
    assert trace.images.shape == (steps + 1, 4, 2, 2, 1)
    assert trace.score_norm.shape == (steps, 4)
    for k in range(steps + 1):
        expected, _ = sampler(quadratic, x, steps=k, seed=SEED)
        np.testing.assert_array_equal(trace.images[k], expected)
        np.testing.assert_allclose(trace.energy[k], quadratic(expected), rtol=1e-6)


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_images_of_64_bits_have_a_trace(name):
    numbers = {"sgld": {"noise": 0.2}, "normalised": {"noise": 0.2}}
    numbers = numbers.get(name, {"temperature": 1.0})
    sampler = samplers.build(name, step_size=0.1, **numbers)
    x = np.zeros([4, 2, 2, 1])
    energy = lambda x: tf.cast(quadratic(x), tf.float32)  # noqa: E731
    trace = samplers.trace(sampler, energy, x, steps=2, seed=SEED)
    assert (trace.images.dtype, trace.energy.dtype) == (tf.float64, tf.float32)
    assert trace.score_norm.shape == (2, 4)


@pytest.mark.parametrize("name", ["sgld", "normalised"])
def test_a_compiled_walk_without_noise_is_the_graphs(name):
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 1])
    sampler = samplers.build(name, step_size=0.1, noise=0.0, steps=6)
    compiled, info = samplers.compiled(sampler)(quadratic, x, seed=SEED)
    expected, plain = sampler(quadratic, x, seed=SEED)
    np.testing.assert_allclose(compiled, expected, atol=1e-5)
    np.testing.assert_allclose(info.score_norm, plain.score_norm, atol=1e-5)


def test_a_trace_passes_no_gradient():
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 1])
    sampler = samplers.build("sgld", step_size=0.1, noise=0.2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        trace = samplers.trace(sampler, quadratic, x, steps=3, seed=SEED)
    assert tape.gradient(trace[:3], x) is None


def test_a_compiled_walk_takes_all_arguments_of_the_plain_one():
    x = tf.random.stateless_normal([4, 2, 2, 1], [0, 1])
    sampler = samplers.build("sgld", step_size=0.1, noise=0.0)
    how = {"seed": SEED, "steps": 3, "range_clamp": 0.5}
    ends = (
        walk(quadratic, x, **how)[0] for walk in (sampler, samplers.compiled(sampler))
    )
    np.testing.assert_allclose(*ends, atol=1e-5)
