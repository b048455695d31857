"""Images in the text of an answer."""

import numpy as np
import pytest

from jem_tf.demonstration import inline_pictures
from tests.demonstration.digits_model import pixels_of


@pytest.mark.parametrize("channels", [1, 3])
def test_the_pixels_come_back_as_they_were(channels):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype="uint8")
    back = pixels_of(inline_pictures.png_url(image))
    np.testing.assert_array_equal(back.reshape(image.shape), image)
