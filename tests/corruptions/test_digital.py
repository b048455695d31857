import io

import numpy as np
import pytest
from PIL import Image

from jem_tf.corruptions import SEVERITIES, corrupt, digital
from tests.corruptions.scenes import scenes

IMAGES = scenes(3)


def test_contrast_is_a_share_of_the_distance_to_the_mean():
    two = np.array([[40, 200]], "uint8").reshape(1, 1, 2, 1)  # of mean 120
    for severity, share in zip(SEVERITIES, (0.75, 0.5, 0.4, 0.3, 0.15), strict=True):
        dull = corrupt(two, "contrast", severity).ravel()
        assert dull.tolist() == [round(120 - 80 * share), round(120 + 80 * share)]


def test_contrast_has_a_mean_for_each_channel():
    dull = corrupt(IMAGES, "contrast", 5).astype(float)
    means = IMAGES.mean(axis=(1, 2))
    np.testing.assert_allclose(dull.mean(axis=(1, 2)), means, atol=0.2)


def test_a_side_of_three_is_pixelated_over_boxes_as_by_hand():
    row = np.array([[0, 100, 200]] * 3, "uint8").reshape(1, 3, 3, 1)
    boxes = corrupt(row, "pixelate", 4)  # int(3 * .75) = 2 boxes of 1.5 pixels
    left, right = (0 + 100) / 2, 200  # means of the pixels whose centres they hold
    assert boxes[0, :, 0, 0].tolist() == [left] * 3
    assert boxes[0, :, 2, 0].tolist() == [right] * 3
    assert set(boxes.ravel().tolist()) == {left, right}


@pytest.mark.parametrize(("severity", "side"), enumerate((30, 28, 27, 24, 20), start=1))
def test_so_many_pixels_are_left_of_a_side_of_32(monkeypatch, severity, side):
    sizes, resize = [], Image.Image.resize

    def watched(picture, size, *more):
        sizes.append(tuple(size))
        return resize(picture, size, *more)

    monkeypatch.setattr(Image.Image, "resize", watched)
    corrupt(IMAGES[:1], "pixelate", severity)
    assert sizes == [(side, side), (32, 32)]


@pytest.mark.parametrize(
    ("severity", "quality"), enumerate((80, 65, 58, 50, 40), start=1)
)
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows_of_this_quality(severity, quality, channels):
    images = IMAGES[..., :channels]
    compressed = corrupt(images, "jpeg_compression", severity)
    for before, after in zip(images, compressed, strict=True):
        file = io.BytesIO()
        Image.fromarray(before.squeeze()).save(file, "JPEG", quality=quality)
        with Image.open(file) as picture:
            np.testing.assert_array_equal(after.squeeze(), np.asarray(picture))


class Nothing:
    """A generator that draws the same number everywhere."""

    def __init__(self, number=0.0):
        self.number = number

    def uniform(self, low, high, size):
        return np.full(size, self.number * high)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_without_displacements_a_picture_stays(severity):
    image = IMAGES[0] / 255
    still = digital.elastic_transform(image, severity, Nothing())
    np.testing.assert_allclose(still, image, atol=1e-12)


def test_equal_displacements_are_a_shift():
    ramp = np.arange(32.0)[None, :, None] + 100 * np.arange(32.0)[:, None, None]
    severity, moved = 5, 32 * 0.03  # by the affine map, to the right and down
    shift = digital.elastic_transform(ramp, severity, Nothing(1.0))
    more = 32 * 0.1  # by the displacements, which say where a pixel comes from
    expected = ramp + (more - moved) * 101
    np.testing.assert_allclose(shift[8:-8, 8:-8], expected[8:-8, 8:-8], atol=1e-6)


def test_an_affine_map_takes_the_moved_corners_back():
    affine = digital._random_affine((32, 32), 2.56, np.random.default_rng(0))
    moves = np.random.default_rng(0).uniform(-2.56, 2.56, [3, 2])
    for corner, move in zip([(26, 26), (26, 6), (6, 6)], moves, strict=True):
        back = np.array([*(corner + move), 1]) @ affine
        np.testing.assert_allclose(back, corner)
