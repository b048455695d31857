import numpy as np
import pytest

from jem_tf.datasets import digits


@pytest.mark.parametrize("image_size", [0, 8])
def test_digits_keep_their_eight_pixels_and_all_their_levels(image_size):
    splits, names = digits.read_digits(image_size)
    images, labels = splits["train"]
    assert images.shape == (1797, 8, 8, 1)
    assert images.dtype == np.uint8
    assert len(np.unique(images)) == 17
    assert (images.min(), images.max()) == (0, 255)
    assert [names[y] for y in labels[:10]] == list("0123456789")


def test_digits_come_in_the_size_asked_for():
    images, _ = digits.read_digits(32)[0]["train"]
    assert images.shape == (1797, 32, 32, 1)
    assert images.dtype == np.uint8
