"""What all samplers share: the loop, noise by step, clamps, fixed pixels."""

import numpy as np
import pytest
import tensorflow as tf

from jem_tf.errors import InputError
from jem_tf.samplers import walking


def test_the_loop_hands_each_step_its_number_and_the_state():
    state = walking.repeat(lambda k, x: (10 * x + k,), (0,), steps=4, first=2)
    assert int(state[0]) == 2345


@pytest.mark.parametrize("steps", [-1, 2.5])
def test_a_number_of_steps_is_whole_and_not_below_0(steps):
    with pytest.raises(InputError, match=f"steps is {steps}"):
        walking.repeat(lambda k, x: (x,), (0,), steps=steps)


def test_the_noise_of_a_step_is_its_own_and_its_seeds():
    x = tf.zeros([2000, 2])
    first, again, later, other = (
        walking.noise_of_step(x, seed, k)
        for seed, k in (([0, 1], 3), ([0, 1], 3), ([0, 1], 4), ([0, 2], 3))
    )
    np.testing.assert_array_equal(first, again)
    assert np.std(first) == pytest.approx(1, rel=0.05)
    for unlike in (later, other):
        assert abs(np.corrcoef(np.ravel(first), np.ravel(unlike))[0, 1]) < 0.1


def test_a_clamp_bounds_and_none_does_not():
    x = tf.constant([-3.0, 0.5, 3.0])
    np.testing.assert_array_equal(walking.clamp(x, 1.0), [-1, 0.5, 1])
    assert walking.clamp(x, None) is x


def test_pixels_are_kept_where_they_are_not_free():
    x, following = tf.zeros([2, 2, 1, 1]), tf.ones([2, 2, 1, 1])
    free = np.array([True, False])[:, None, None]
    kept = walking.keep_fixed(following, x, free)
    np.testing.assert_array_equal(kept[:, :, 0, 0], [[1, 0], [1, 0]])
    np.testing.assert_array_equal(walking.keep_fixed(following, x, None), following)


def test_the_norm_is_over_all_of_an_image():
    x = tf.random.stateless_normal([3, 2, 2, 1], [0, 0])
    expected = np.linalg.norm(x.numpy().reshape(3, -1), axis=1)
    np.testing.assert_allclose(walking.norm_of_each(x), expected, rtol=1e-6)
    np.testing.assert_array_equal(walking.zero_for_each(x), np.zeros(3))
    assert walking.zero_for_each(tf.cast(x, tf.bfloat16)).dtype == tf.bfloat16


def test_noise_is_left_out_only_where_it_is_known_to_be_none():
    assert not walking.is_noisy(0.0)
    assert walking.is_noisy(0.1)
    assert walking.is_noisy(tf.constant(0.0))


def test_a_sampler_of_ones_own_must_return_images_and_info():
    x, info = tf.zeros([1, 2, 2, 1]), walking.Info(tf.zeros(1))
    result = walking.run(lambda energy, x, seed: (x, info), None, x, seed=[0, 0])
    assert result[0] is x
    assert result[1] is info
    with pytest.raises(InputError, match=r"^sampler returns a list; it must return"):
        walking.run(lambda energy, x, seed: [x], None, x, seed=[0, 0])


def test_the_end_of_a_walk_passes_gradients_only_if_asked_to():
    x = tf.constant([1.0, 2.0])
    for through in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(x)
            end = walking.end_walk(3 * x, through)
        assert (tape.gradient(end, x) is not None) == through
