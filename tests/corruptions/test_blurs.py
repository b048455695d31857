import numpy as np
import pytest
import scipy.ndimage

from jem_tf.corruptions import SEVERITIES, blurs, corrupt
from tests.corruptions.scenes import flat, scenes

IMAGES = scenes(4)
DOT = np.zeros([9, 9, 1])
DOT[4, 4] = 1


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_dot_out_of_focus_is_a_disk_under_a_gaussian(severity):
    blurred = blurs.defocus_blur(DOT, severity, None)[..., 0]
    radius, softness = blurs.DISK[severity - 1]
    tap = np.exp(-1 / (2 * softness**2))
    row = np.array([tap, 1, tap]) / (1 + 2 * tap)
    disk = np.array(
        [[(y**2 + x**2 <= radius**2) for x in range(-4, 5)] for y in range(-4, 5)],
        float,
    )
    expected = scipy.ndimage.convolve(disk / disk.sum(), np.outer(row, row))
    np.testing.assert_allclose(blurred, expected, atol=1e-12)
    assert {1: 1, 2: 1, 3: 1, 4: 5, 5: 9}[severity] == disk.sum()


def slow_glass(image, severity, generator):
    """A pixel at a time, from the last to the first."""
    deviation, times = blurs.GLASS[severity - 1]
    sides = (deviation, deviation, 0)
    blur = scipy.ndimage.gaussian_filter
    image = np.rint(255 * blur(image, sides, mode="nearest")) / 255
    height, width = image.shape[:2]
    for _ in range(times):
        up, left = generator.integers(0, 2, [2, height - 2, width - 2])
        for h in range(height - 1, 1, -1):
            for w in range(width - 1, 1, -1):
                image[h, w] = image[h - up[h - 2, w - 2], w - left[h - 2, w - 2]]
    return blur(image, sides, mode="nearest")


@pytest.mark.parametrize("severity", SEVERITIES)
def test_glass_moves_pixels_as_a_loop_over_them_does(severity):
    image = IMAGES[0] / 255
    fast, slow = (
        glass(image, severity, np.random.default_rng(1))
        for glass in (blurs.glass_blur, slow_glass)
    )
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize("name", ["defocus", "glass", "motion", "zoom"])
def test_a_flat_picture_has_nothing_to_blur(name):
    plain = np.full([1, 16, 16, 3], 77, "uint8")
    np.testing.assert_array_equal(corrupt(plain, f"{name}_blur", 5), plain)


def test_motion_goes_along_lines_within_45_degrees_of_the_horizontal():
    stripes = np.zeros([1, 32, 32, 3], "uint8")
    stripes[0, ::4] = 255  # horizontal ones
    down, across = stripes, stripes.swapaxes(1, 2)
    seen = [
        np.abs(corrupt(some, "motion_blur", 3, seed=seed).astype(int) - some).mean()
        for some in (down, across)
        for seed in range(8)
    ]
    assert np.mean(seen[:8]) < 0.8 * np.mean(seen[8:])


@pytest.mark.parametrize(
    ("severity", "count", "last"),
    [(1, 7, 1.06), (2, 12, 1.11), (3, 16, 1.15), (4, 21, 1.2), (5, 26, 1.25)],
)
def test_zoom_blur_averages_so_many_enlargements(monkeypatch, severity, count, last):
    factors = []
    monkeypatch.setattr(blurs.lenses, "zoom", lambda x, f: factors.append(f) or 0 * x)
    image = np.full([4, 4, 1], 0.5)
    blurred = blurs.zoom_blur(image, severity, None)
    assert (len(factors), factors[0]) == (count, 1)
    assert factors[-1] == pytest.approx(last)
    np.testing.assert_allclose(blurred, 0.5 / (count + 1))


def test_noise_of_flat_pictures_is_not_all_blurred_away():
    noisy = corrupt(flat(100, 2), "gaussian_noise", 5)
    softer = corrupt(noisy, "defocus_blur", 5).astype(float)
    assert softer.std() == pytest.approx(noisy.std() / 3, rel=0.1)  # a mean of nine
