import warnings

import numpy as np
import pytest
import tensorflow as tf

from jem_tf import pixels
from jem_tf.errors import InputError
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


def test_floats_between_0_and_1_are_warned_of_and_constant_ones_are_not():
    images = np.linspace(0, 1, 16, dtype="float32").reshape(1, 4, 4, 1)
    with pytest.warns(UserWarning, match=r"all lie in \[0, 1\].*give 2 \* images - 1"):
        pixels.check_values(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for right in (2 * images - 1, np.zeros_like(images), np.ones_like(images)):
            pixels.check_values(right)


def test_each_line_of_the_user_is_warned():
    images = np.linspace(0, 1, 16, dtype="float32").reshape(1, 4, 4, 1)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")  # once for each line
        pixels.check_values(images)
        pixels.check_values(images)
    assert [warning.filename for warning in seen] == [__file__] * 2


@pytest.mark.parametrize("value", [np.nan, np.inf, 2.1, -255.0])
def test_floats_that_are_no_pixels_are_refused(value):
    images = np.zeros([2, 4, 4, 1], "float32")
    images[1, 0, 0, 0] = value
    with pytest.raises(InputError, match=r"NaN or infinite|scale them to"):
        pixels.check_values(images)


def test_images_are_cast_to_float32_by_their_dtype():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    floats = pixels.from_uint8(levels)
    np.testing.assert_array_equal(pixels.to_float32(levels), floats)
    for dtype in ("float16", "float64", "bfloat16"):
        assert pixels.to_float32(tf.cast(floats, dtype)).dtype == tf.float32
    with pytest.raises(InputError, match="images are int32; give uint8"):
        pixels.to_float32(levels.astype("int32"))
