import numpy as np
import pytest
import tensorflow as tf

from jem_tf import jem, networks
from jem_tf.evaluation import inference
from jem_tf.pixels import from_uint8

SHAPE = (8, 8, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, [11, *SHAPE], dtype="uint8")


@pytest.fixture(scope="module")
def model():
    return jem.JEM(networks.build("convnet-8", SHAPE, 4, seed=1), p_x_weight=0.0)


@pytest.fixture(scope="module")
def expected(model):
    """What the network says of each image alone."""
    return np.concatenate([model.network(from_uint8(image[None])) for image in IMAGES])


@pytest.mark.parametrize("batch_size", [1, 2, 5, 10, 11, 12, 500])
def test_each_image_is_answered_once_and_in_order(model, expected, batch_size):
    logits = inference.logits(model, IMAGES, batch_size=batch_size)
    assert isinstance(logits, np.ndarray)
    assert logits.dtype == np.float32
    assert np.abs(np.diff(expected, axis=0)).max(axis=1).min() > 1e-3  # all differ
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
def test_bytes_and_pixels_are_the_same_images(model, expected, convert):
    pixels = convert(from_uint8(IMAGES).numpy())
    for images in (convert(IMAGES), pixels):
        logits = inference.logits(model, images, batch_size=4)
        np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_logits_that_are_not_finite_are_never_right():
    logits = np.array([[1.0, 0], [np.nan, np.nan], [0, np.inf], [0, 1]])
    assert inference.is_right(logits, [0, 0, 1, 0]).tolist() == [True] + 3 * [False]
