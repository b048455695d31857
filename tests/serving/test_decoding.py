"""Bytes of picture files to images within a graph."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf.serving import decoding

PIXELS = np.random.default_rng(0).integers(0, 256, [8, 6, 3]).astype("uint8")


def encoded(pixels, kind="PNG", **more):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **more)
    return content.getvalue()


def test_a_png_of_the_models_shape_is_its_pixels():
    decoded = decoding.decode(tf.constant([encoded(PIXELS)] * 2), (8, 6, 3))
    np.testing.assert_array_equal(decoded, [PIXELS] * 2)


def test_a_jpeg_is_nearly_its_pixels():
    smooth = np.full([8, 8, 3], [200, 100, 50], "uint8")
    decoded = decoding.decode(tf.constant([encoded(smooth, "JPEG")]), (8, 8, 3))
    assert np.abs(decoded[0].numpy().astype(int) - smooth).max() <= 4


def test_another_size_is_resized_and_colour_made_grey():
    flat = np.full([16, 12, 3], 90, "uint8")
    decoded = decoding.decode(tf.constant([encoded(flat)]), (8, 6, 1))
    np.testing.assert_array_equal(decoded, np.full([1, 8, 6, 1], 90))


@pytest.mark.parametrize("content", [b"", b"hello", encoded(PIXELS)[:40]])
def test_what_is_no_picture_is_refused_at_run_time(content):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decoding.decode(tf.constant([content]), (8, 6, 3))
