"""Drawings are put where the pictures of the training have their ink."""

import numpy as np
import pytest

from jem_tf import datasets
from jem_tf.demonstration import drawings
from jem_tf.errors import InputError

BOX = drawings.InkBox(0.25, 0.75, 0.125, 0.875)


def drawn(top, bottom, left, right, side=100):
    drawing = np.zeros([side, side, 3], "uint8")
    drawing[top:bottom, left:right] = 255
    return drawing


def edges(image):
    """The first and last row, and column, of ink, as shares of the side."""
    rows, columns = (np.flatnonzero((image > 127).any(axis=(2, a))) for a in (1, 0))
    ends = [rows[0], rows[-1] + 1, columns[0], columns[-1] + 1]
    return np.array(ends) / len(image)


@pytest.mark.parametrize("place", [(0, 0), (37, 55), (80, 90)])
def test_ink_fills_the_box_in_its_middle_wherever_it_was_drawn(place):
    top, left = place
    tall = drawings.frame_drawing(drawn(top, top + 20, left, left + 10), BOX)
    np.testing.assert_allclose(edges(tall), [0.25, 0.75, 0.375, 0.625], atol=0.01)


def test_wide_ink_keeps_its_shape_and_fills_the_width():
    wide = drawings.frame_drawing(drawn(50, 60, 10, 70), BOX)
    np.testing.assert_allclose(edges(wide), [0.4375, 0.5625, 0.125, 0.875], atol=0.01)


def test_one_pixel_of_ink_is_enough_and_none_is_refused():
    assert drawings.frame_drawing(drawn(3, 4, 3, 4), BOX).max() == 255
    with pytest.raises(InputError, match="empty"):
        drawings.frame_drawing(drawn(0, 0, 0, 0), BOX)


def test_the_box_is_where_half_of_the_images_have_ink():
    images = np.zeros([4, 8, 10, 1], "uint8")
    images[:2, 2:6, 3:5] = 255
    images[2:3, 0, 0] = 255  # one of four
    assert drawings.ink_box(images) == (0.25, 0.75, 0.3, 0.5)
    assert drawings.ink_box(np.zeros([2, 8, 8, 1], "uint8")) == (0, 1, 0, 1)


def test_digits_fill_the_height_and_three_quarters_of_the_width():
    images = datasets.load("digits").train.images
    assert drawings.ink_box(images) == (0, 1, 0.125, 0.875)
