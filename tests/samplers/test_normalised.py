import numpy as np
import pytest
import tensorflow as tf

from jem_tf import samplers

A = 0.1
SHAPE = (8, 2, 2, 1)
FREE = np.array([[True, False], [False, True]])[..., None]
NOISELESS = {"step_size": A, "noise": 0.0, "seed": [1, 2]}
NOISY = NOISELESS | {"noise": 0.3}


def normalised(energy, x, **arguments):
    """The images at the end of the walk."""
    return samplers.normalised(energy, x, **arguments)[0]


def normal(seed):
    return tf.random.stateless_normal(SHAPE, [0, seed])


def quartic(x):
    return tf.reduce_sum(x**4, [1, 2, 3]) / 4


def flat(x):
    return 0 * quartic(x)


def lengths(move):
    """The L2 length of each image of a move: [..., H, W, C] -> [...]."""
    return np.sqrt((np.asarray(move) ** 2).sum((-3, -2, -1)))


def test_a_step_is_the_equation():
    x = normal(7)
    score = -(x.numpy() ** 3)
    expected = x + A * score / lengths(score)[:, None, None, None]
    moved = normalised(quartic, x, steps=1, **NOISELESS)
    np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-6)


def test_every_step_without_noise_has_the_length_a():
    trace = samplers.trace(
        samplers.normalised, quartic, normal(7), steps=6, **NOISELESS
    )
    np.testing.assert_allclose(
        lengths(np.diff(trace.images, axis=0)), np.full([6, 8], A), rtol=1e-4
    )


def test_the_length_is_over_the_free_pixels():
    x = normal(7)
    moved = normalised(quartic, x, steps=1, free=FREE, **NOISELESS)
    np.testing.assert_allclose(lengths(moved - x), np.full(8, A), rtol=1e-4)


@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20])
def test_the_scale_of_the_energy_does_not_matter(scale):
    scaled = normalised(lambda x: scale * quartic(x), normal(7), steps=6, **NOISY)
    # A power of two scales a float exactly, so that the walks are equal to the bit.
    np.testing.assert_array_equal(
        scaled, normalised(quartic, normal(7), steps=6, **NOISY)
    )


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_scores_whose_squares_no_float_holds_still_give_the_length_a(scale):
    x, weights = normal(7), normal(8)

    def slope(x):
        return scale * tf.reduce_sum(weights * x, [1, 2, 3])

    move = normalised(slope, x, steps=1, **NOISELESS) - x
    np.testing.assert_allclose(lengths(move), np.full(8, A), rtol=1e-4)
    downhill = -A * weights / lengths(weights)[:, None, None, None]
    np.testing.assert_allclose(move, downhill, atol=1e-6)


def test_where_the_score_is_0_nothing_moves():
    x = normal(7)
    np.testing.assert_array_equal(normalised(flat, x, steps=3, **NOISELESS), x)


def test_where_the_score_is_0_only_the_noise_moves():
    x = normal(7)
    noise_alone, _ = samplers.sgld(flat, x, steps=3, **NOISY)
    np.testing.assert_array_equal(normalised(flat, x, steps=3, **NOISY), noise_alone)


def test_a_score_clamped_in_every_pixel_leaves_its_signs():
    x = normal(7)
    moved = normalised(quartic, x, steps=1, score_clamp=1e-12, **NOISELESS)
    np.testing.assert_allclose(moved - x, -A * np.sign(x) / 2, atol=1e-6)


def test_the_gradient_of_a_step_is_that_of_the_equation():
    x = normal(7)

    def written_out(x):
        score = -(x**3)
        length = tf.sqrt(tf.reduce_sum(score**2, [1, 2, 3], keepdims=True))
        return x + A * score / length

    def walked(x):
        return normalised(quartic, x, steps=1, differentiable=True, **NOISELESS)

    def gradient(end):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.sin(end(x)))
        return tape.gradient(total, x)

    np.testing.assert_allclose(
        gradient(walked), gradient(written_out), rtol=1e-4, atol=1e-5
    )


def test_the_gradient_where_the_score_is_0_is_finite():
    x = tf.zeros(SHAPE)
    with tf.GradientTape() as tape:
        tape.watch(x)
        end = normalised(quartic, x, steps=2, differentiable=True, **NOISELESS)
    assert np.isfinite(tape.gradient(end, x)).all()
