import numpy as np
import pytest

from jem_tf.corruptions import SEVERITIES, corrupt, noises
from tests.corruptions.scenes import flat

GREY = flat(128, 40)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_gaussian_noise_has_the_deviation_of_its_severity(severity):
    noise = corrupt(GREY, "gaussian_noise", severity)[:, 1:] / 255 - 128 / 255
    deviation = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    assert noise.std() == pytest.approx(deviation, rel=0.01)
    assert noise.mean() == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_shot_noise_has_the_variance_of_as_many_photons(severity):
    shots = corrupt(GREY, "shot_noise", severity)[:, 1:] / 255
    photons = (500, 250, 100, 75, 50)[severity - 1]
    assert shots.mean() == pytest.approx(128 / 255, rel=0.005)
    assert shots.var() == pytest.approx(128 / 255 / photons, rel=0.03)
    steps = shots * photons  # whole numbers of photons, rounded to 8 bits
    assert np.abs(steps - np.rint(steps)).max() <= photons / 510 + 1e-6


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulses_are_black_or_white_and_as_many_as_the_severity_says(severity):
    hit = corrupt(GREY, "impulse_noise", severity)[:, 1:]
    share = noises.IMPULSES[severity - 1]
    assert np.mean(hit == 255) == pytest.approx(share / 2, rel=0.1)
    assert np.mean(hit == 0) == pytest.approx(share / 2, rel=0.1)
    assert np.isin(hit, (0, 128, 255)).all()


def test_pictures_have_noise_of_their_own():
    noise = corrupt(flat(128, 2), "gaussian_noise", 5)[:, 1:].astype(float) - 128
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
