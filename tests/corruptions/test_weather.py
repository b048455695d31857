import colorsys

import numpy as np
import pytest

from jem_tf.corruptions import SEVERITIES, corrupt, weather
from tests.corruptions.scenes import scenes

IMAGES = scenes(6)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness_adds_to_the_value_of_hsv(severity):
    added = (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    brighter = corrupt(IMAGES[:1], "brightness", severity)[0].reshape(-1, 3)
    for before, after in zip(IMAGES[0].reshape(-1, 3)[::7], brighter[::7], strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(before / 255))
        expected = colorsys.hsv_to_rgb(hue, saturation, min(1, value + added))
        np.testing.assert_allclose(after, 255 * np.array(expected), atol=0.5 + 1e-9)


def test_brightness_of_grey_and_of_black_is_added():
    grey = np.array([0, 51, 204, 250], "uint8").reshape(1, 2, 2, 1)
    brighter = corrupt(grey, "brightness", 4).ravel().tolist()
    assert brighter == [51, 102, 255, 255]
    black = np.zeros([1, 1, 1, 3], "uint8")
    assert corrupt(black, "brightness", 4).ravel().tolist() == [51, 51, 51]


def slow_plasma(side, smoothness, generator):
    """A point at a time, each from the four around it on the torus."""
    cloud, step, width = np.zeros([side, side]), side, 1.0

    def fill(rows, columns, around):
        noise = generator.uniform(-1, 1, [len(rows), len(columns)])
        new = {
            (y, x): sum(cloud[(y + b) % side, (x + a) % side] for b, a in around) / 4
            + width * noise[i, j]
            for i, y in enumerate(rows)
            for j, x in enumerate(columns)
        }
        for place, value in new.items():
            cloud[place] = value

    while step >= 2:
        half = step // 2
        on, between = range(0, side, step), range(half, side, step)
        cross = [(-half, 0), (half, 0), (0, -half), (0, half)]
        fill(between, between, [(b, a) for b in (-half, half) for a in (-half, half)])
        fill(on, between, cross)
        fill(between, on, cross)
        step, width = half, width / smoothness**2
    return (cloud - cloud.min()) / (cloud.max() - cloud.min())


@pytest.mark.parametrize("side", [2, 8, 32])
@pytest.mark.parametrize("smoothness", [1.75, 3])
def test_a_cloud_is_filled_between_four_points_as_by_hand(side, smoothness):
    fast, slow = (
        cloud(side, smoothness, np.random.default_rng(4))
        for cloud in (weather.plasma, slow_plasma)
    )
    np.testing.assert_allclose(fast, slow, atol=1e-12)
    assert (fast.min(), fast.max()) == (0, 1)


def test_fog_lies_between_the_darkest_and_the_thickest_cloud():
    image = np.full([32, 32, 3], 0.8)
    for severity, (thickness, _) in zip(SEVERITIES, weather.FOG, strict=True):
        foggy = weather.fog(image, severity, np.random.default_rng(0))
        share = 0.8 / (0.8 + thickness)
        assert foggy.min() == pytest.approx(0.8 * share)  # where there is no cloud
        assert foggy.max() == pytest.approx(0.8)
        assert (foggy == foggy[..., :1]).all()  # a cloud has no colour
    np.testing.assert_array_equal(
        weather.fog(0 * image, 5, np.random.default_rng(0)), 0
    )


def test_snow_falls_the_same_upside_down_and_whitens():
    black = np.zeros([32, 32, 3])
    for severity, how in zip(SEVERITIES, weather.SNOW, strict=True):
        snowy = weather.snow(black, severity, np.random.default_rng(0))
        np.testing.assert_allclose(snowy, snowy[::-1, ::-1])
        assert snowy.min() >= (1 - how.kept) / 2  # max(0, 1.5 * 0 + .5)
        assert (snowy == snowy[..., :1]).all()
    # a white picture keeps its share and is whitened by 1.5 + .5
    white = weather.snow(np.ones([4, 4, 3]), 1, np.random.default_rng(0))
    assert white.min() >= 0.95 + 0.05 * 2 - 1e-9
