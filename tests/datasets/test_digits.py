import numpy as np
import pytest

from jem_tf.datasets import digits


@pytest.mark.parametrize("image_size", [0, 8])
def test_digits_keep_their_eight_pixels_and_all_their_levels(image_size):
    splits, names = digits.digits(image_size)
    images, labels = splits["train"]
    assert images.shape == (1797, 8, 8, 1)
    assert images.dtype == np.uint8
    assert len(np.unique(images)) == 17
    assert (images.min(), images.max()) == (0, 255)
    assert [names[y] for y in labels[:10]] == list("0123456789")


def test_digits_come_in_the_size_asked_for():
    images, _ = digits.digits(32)[0]["train"]
    assert images.shape == (1797, 32, 32, 1)
    assert images.dtype == np.uint8


def test_resizing_halves_a_picture_of_even_blocks_exactly():
    blocks = np.random.default_rng(0).integers(0, 256, [3, 4, 4, 3], dtype="uint8")
    # The filter that halves an image reaches beyond a 2x2 block, but not beyond an 8x8
    # one's middle.
    large = blocks.repeat(8, axis=1).repeat(8, axis=2)
    small = digits.resize(large, 16)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small[:, 1::4, 1::4], blocks)


def test_resizing_averages_rather_than_skips():
    stripes = np.zeros([1, 32, 32, 1], "uint8")
    stripes[:, 1::4] = stripes[:, 2::4] = 255  # the two rows that skipping would see
    small = digits.resize(stripes, 8)[0, 2:-2, 2:-2]
    assert small.min() > 100
    assert small.max() < 200


@pytest.mark.parametrize("shape", [(5, 7, 3), (2, 5, 7, 1)])
def test_resizing_keeps_a_plain_colour_and_makes_a_square(shape):
    resized = digits.resize(np.full(shape, 93, "uint8"), 12)
    assert resized.shape == (*shape[:-3], 12, 12, shape[-1])
    assert set(resized.flat) == {93}
