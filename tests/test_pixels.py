import numpy as np
import pytest
import tensorflow as tf

from jem_tf.pixels import from_uint8, to_uint8

LEVELS = np.arange(256, dtype="uint8").reshape(2, 8, 16, 1)


def test_pixels_span_minus_one_to_one_evenly():
    pixels = from_uint8(tf.range(256)[None]).numpy()
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[0], np.linspace(-1, 1, 256), atol=1e-6)
    assert (pixels.min(), pixels.max()) == (-1.0, 1.0)


def test_a_pixel_level_and_its_opposite_add_up_to_zero():
    pixels = from_uint8(LEVELS).numpy().ravel()
    np.testing.assert_allclose(pixels + pixels[::-1], 0, atol=2e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_level_comes_back_from_a_float(dtype):
    levels = to_uint8(from_uint8(LEVELS).numpy().astype(dtype))
    assert levels.dtype == tf.uint8
    np.testing.assert_array_equal(levels, LEVELS)


@pytest.mark.parametrize("shift", [-0.49, 0.49])
def test_a_float_becomes_the_nearest_level(shift):
    pixels = from_uint8(LEVELS).numpy() + shift / 127.5
    np.testing.assert_array_equal(to_uint8(pixels), LEVELS)


def test_values_beyond_the_range_become_black_and_white():
    pixels = np.array([-np.inf, -3.0, -1.01, 1.01, 3.0, np.inf], "float32")
    assert to_uint8(pixels).numpy().tolist() == [0, 0, 0, 255, 255, 255]


def test_levels_are_the_same_in_numpy_and_in_a_graph():
    pixels = np.random.default_rng(0).normal(0, 0.7, [9, 8, 8, 3]).astype("float32")
    levels = np.clip(np.round((pixels + 1) * 127.5), 0, 255).astype("uint8")
    np.testing.assert_array_equal(to_uint8(pixels), levels)
    np.testing.assert_array_equal(tf.function(to_uint8)(pixels), levels)


def test_floats_in_a_graph_differ_by_no_more_than_their_rounding():
    # A graph multiplies by 1 / 127.5 where eager TensorFlow and NumPy divide.
    divided = LEVELS.astype("float32") / np.float32(127.5) - 1
    np.testing.assert_array_equal(from_uint8(LEVELS), divided)
    in_graph = tf.function(from_uint8)(LEVELS)
    np.testing.assert_allclose(in_graph, divided, rtol=0, atol=1.2e-7)
