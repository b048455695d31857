"""Pictures that the page sends."""

import numpy as np
import pytest

from jem_tf.datasets.picture_files import UnreadableError
from jem_tf.demonstration import uploads
from tests.demonstration.digits_model import png

RNG = np.random.default_rng(0)


def test_a_picture_is_read_as_it_is_and_grey_becomes_rgb():
    colours = RNG.integers(0, 256, (6, 9, 3), dtype="uint8")
    np.testing.assert_array_equal(uploads.read_upload(png(colours)), colours)
    grey = RNG.integers(0, 256, (6, 9), dtype="uint8")
    expected = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_array_equal(uploads.read_upload(png(grey)), expected)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", png(np.zeros([9, 9]) > 0)[:30]]
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(UnreadableError):
        uploads.read_upload(content)


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
def test_it_gets_the_models_size_and_channels(shape):
    image = uploads.to_model_size(np.full([50, 20, 3], 99, "uint8"), shape)
    np.testing.assert_array_equal(image, np.full(shape, 99, "uint8"))


def test_channels_that_no_picture_has_are_refused():
    with pytest.raises(UnreadableError, match="cannot be made 5"):
        uploads.to_model_size(np.zeros([8, 8, 3], "uint8"), (8, 8, 5))
