"""Pictures that the page sends."""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from jem_tf.datasets.picture_files import UnreadableError
from jem_tf.demonstration import uploads
from tests.demonstration.digits_model import png

RNG = np.random.default_rng(0)


def test_a_picture_is_read_as_it_is_and_grey_becomes_rgb():
    colours = RNG.integers(0, 256, (6, 9, 3), dtype="uint8")
    np.testing.assert_array_equal(
        uploads.read_upload(png(colours)).over_white(), colours
    )
    grey = RNG.integers(0, 256, (6, 9), dtype="uint8")
    expected = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_array_equal(uploads.read_upload(png(grey)).over_white(), expected)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", png(np.zeros([9, 9]) > 0)[:30]]
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(UnreadableError):
        uploads.read_upload(content)


def one_bit(width, height):
    """A PNG of a few KB, however many its pixels."""
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "says"),
    [(8000, 5001, "8000 x 5001 pixels, more"), (15000, 12000, "more")],
)
def test_too_many_pixels_are_refused_before_they_are_decoded(width, height, says):
    content = one_bit(width, height)
    tracemalloc.start()
    try:
        with pytest.raises(uploads.TooManyPixelsError) as error:
            uploads.read_upload(content)
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    assert str(error.value) == (
        f"This picture has {says} than 40 megapixels; give a smaller one."
    )


def test_the_most_pixels_are_read_and_an_opaque_picture_takes_little_memory(
    monkeypatch,
):
    monkeypatch.setattr(uploads, "MOST_PIXELS", 10**6)
    content = one_bit(1000, 1000)
    tracemalloc.start()
    try:
        assert uploads.read_upload(content).rgb.shape == (1000, 1000, 3)
        assert tracemalloc.get_traced_memory()[1] < 16e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
def test_it_gets_the_models_size_and_channels(shape):
    image = uploads.to_model_size(np.full([50, 20, 3], 99, "uint8"), shape)
    np.testing.assert_array_equal(image, np.full(shape, 99, "uint8"))


def test_channels_that_no_picture_has_are_refused():
    with pytest.raises(UnreadableError, match="cannot be made 5"):
        uploads.to_model_size(np.zeros([8, 8, 3], "uint8"), (8, 8, 5))
