import numpy as np
import pytest
import scipy.ndimage

from jem_tf.corruptions import lenses
from tests.corruptions.scenes import scenes

IMAGE = scenes(1, 32, 24)[0] / 255


def slow_zoom(image, factor):
    """The middle of the picture by SciPy, enlarged and cut off."""
    for axis in (0, 1):
        size = image.shape[axis]
        kept = int(np.ceil(size / factor))
        begin = (size - kept) // 2
        image = np.take(image, range(begin, begin + kept), axis)
        factors = [factor if a == axis else 1 for a in range(3)]
        image = scipy.ndimage.zoom(image, factors, order=1)
        spare = (image.shape[axis] - size) // 2
        image = np.take(image, range(spare, spare + size), axis)
    return image


@pytest.mark.parametrize("factor", [1, 1.01, 1.1, 1.25, 1.75, 2.25])
def test_zoom_is_scipys_of_the_middle(factor):
    np.testing.assert_allclose(
        lenses.zoom(IMAGE, factor), slow_zoom(IMAGE, factor), atol=1e-12
    )


def test_by_one_nothing_is_enlarged():
    np.testing.assert_allclose(lenses.zoom(IMAGE, 1), IMAGE, atol=1e-12)


@pytest.mark.parametrize(
    ("angle", "step"), [(0, (0, 1)), (90, (1, 0)), (45, (1, 1)), (-90, (-1, 0))]
)
def test_a_dot_becomes_half_a_gaussian_along_the_line(angle, step):
    dot = np.zeros([31, 31, 1])
    dot[15, 15] = 1
    blurred = lenses.blur_along(dot, 3, 2.0, angle)[..., 0]
    weights = [np.exp(-(i**2) / 8) for i in range(7)]
    for i in range(7):
        share = 1 if angle == 45 and i == 0 else weights[i] / sum(weights)
        if angle != 45:
            place = (15 - i * step[0], 15 - i * step[1])
            assert blurred[place] == pytest.approx(share)
    assert blurred.sum() == pytest.approx(1)
    on_line = [blurred[15 - i * step[0], 15 - i * step[1]] for i in range(7)]
    if angle == 45:  # steps of 1/sqrt(2) in both directions, to the nearest pixel
        assert sum(on_line) == pytest.approx(1)


def test_beyond_the_border_is_what_is_at_it():
    constant = np.full([5, 4, 1], 0.25)
    blurred = lenses.blur_along(constant, 14, 12.0, -60)
    np.testing.assert_allclose(blurred, constant)
    ramp = np.arange(5.0)[:, None, None] * np.ones([1, 4, 1])
    assert lenses.blur_along(ramp, 10, 1e6, 90)[0, 0, 0] > 3.3  # 10/21 * 2 + 11/21 * 4
