import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import energies

LOGITS = tf.constant(np.random.default_rng(0).normal(0, 5, [64, 10]), tf.float32)
LABELS = tf.constant(np.random.default_rng(1).integers(0, 10, 64))


def test_log_p_y_given_x_is_marginal_less_joint_energy():
    expected = tf.gather(tf.nn.log_softmax(LOGITS), LABELS, batch_dims=1)
    gap = energies.marginal_energy(LOGITS) - energies.joint_energy(LOGITS, LABELS)
    np.testing.assert_allclose(gap, expected, atol=2e-5)
    np.testing.assert_allclose(
        energies.log_p_y_given_x(LOGITS, LABELS), expected, atol=2e-5
    )


def test_marginal_energy_sums_the_joint_density_over_labels():
    joint = [energies.joint_energy(LOGITS, tf.fill([64], y)) for y in range(10)]
    summed = np.exp(-np.stack(joint).astype("float64")).sum(0)
    np.testing.assert_allclose(
        energies.marginal_energy(LOGITS), -np.log(summed), rtol=1e-5
    )


def test_a_constant_on_all_logits_moves_the_energy_and_not_the_classifier():
    moved = LOGITS + 3.0
    np.testing.assert_allclose(
        energies.marginal_energy(moved),
        energies.marginal_energy(LOGITS) - 3.0,
        atol=1e-5,
    )
    np.testing.assert_allclose(
        energies.log_p_y_given_x(moved, LABELS),
        energies.log_p_y_given_x(LOGITS, LABELS),
        atol=1e-5,
    )


def test_energies_of_huge_logits_are_finite():
    logits = tf.constant([[1e4, -1e4], [-1e4, -1e4]])
    assert np.isfinite(energies.marginal_energy(logits)).all()


def test_the_score_of_a_gaussian_points_at_its_mean():
    x = tf.random.stateless_normal([5, 4, 4, 2], [0, 1])
    mean, variance = 0.3, 0.5

    def energy(x):
        return tf.reduce_sum((x - mean) ** 2, [1, 2, 3]) / (2 * variance)

    np.testing.assert_allclose(
        energies.score(energy, x), (mean - x) / variance, rtol=1e-5, atol=1e-6
    )


def test_the_score_is_minus_the_slope_of_the_energy():
    weights = tf.random.stateless_normal([27, 4], [0, 2])
    x = tf.random.stateless_normal([3, 3, 3, 3], [0, 3])

    def energy(x):
        return energies.marginal_energy(tf.reshape(tf.sin(x), [-1, 27]) @ weights)

    toward = tf.random.stateless_normal(x.shape, [0, 4])
    step = 1e-2
    slope = (energy(x + step * toward) - energy(x - step * toward)) / (2 * step)
    score = tf.reduce_sum(energies.score(energy, x) * toward, [1, 2, 3])
    np.testing.assert_allclose(score, -slope, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_labels_of_any_integer_type_will_do(dtype):
    energy = energies.joint_energy(LOGITS, tf.cast(LABELS, dtype))
    expected = -LOGITS.numpy()[np.arange(64), LABELS.numpy()]
    np.testing.assert_array_equal(energy, expected)
    column = energies.joint_energy(LOGITS, tf.cast(LABELS, dtype)[:, None])
    np.testing.assert_array_equal(column, expected)


def test_an_energy_comes_with_its_score():
    x = tf.random.stateless_normal([5, 4, 4, 2], [0, 1])
    value, score = energies.energy_and_score(
        lambda x: tf.reduce_sum(x**3, [1, 2, 3]), x
    )
    np.testing.assert_allclose(value, np.sum(x.numpy() ** 3, (1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(score, -3 * x**2, rtol=1e-6)


def test_an_image_is_picked_with_probability_exp_of_minus_its_energy():
    n, energy = 20_000, np.float32([0.0, np.log(2.0), np.log(4.0)])
    images = tf.tile(tf.reshape(tf.range(3.0), [3, 1, 1, 1]), [n, 1, 1, 1])
    picked = energies.pick(images, tf.tile(energy, [n]), candidates=3, seed=[0, 1])
    assert picked.shape == (n, 1, 1, 1)
    shares = np.bincount(np.ravel(picked).astype(int)) / n
    np.testing.assert_allclose(shares, [4 / 7, 2 / 7, 1 / 7], atol=0.01)  # 3 errors


def test_an_image_is_picked_from_its_own_candidates():
    images = tf.reshape(tf.range(12.0), [12, 1, 1, 1])
    picked = energies.pick(images, tf.zeros([12]), candidates=4, seed=[0, 1])
    np.testing.assert_array_equal(np.ravel(picked) // 4, [0, 1, 2])


MANY = """
import tensorflow as tf
from jem_tf import energies
x = tf.reshape(tf.range(40_000.0), [-1, 1, 1, 1])
e = tf.tile([0.0, 1.5], [20_000])
print(energies.pick(x, e, candidates=2, seed=[1, 2]).numpy().sum())
"""


@pytest.mark.slow
def test_what_is_picked_does_not_depend_on_the_number_of_threads():
    """Of so many, what TensorFlow's stateless_categorical draws does."""
    said = [
        subprocess.run(
            [sys.executable, "-c", MANY],
            env=os.environ | {"TF_NUM_INTRAOP_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in "12"
    ]
    assert float(said[0]) == float(said[1])
