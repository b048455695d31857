"""What holds for every corruption."""

import numpy as np
import pytest

from jem_tf import corruptions
from jem_tf.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from jem_tf.errors import InputError
from tests.corruptions.scenes import scenes

IMAGES = scenes()
# By the authors' parameters the displacements of higher severities are finer, or the
# blur around them is wider: the distance between pixels does not grow with it.
NOT_BY_DISTANCE = {"glass_blur", "elastic_transform"}
WELL = {"name": "fog", "severity": 1}
EVERY = pytest.mark.parametrize("name", CORRUPTIONS)
PAPER = (  # its figure 1
    "gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur "
    "zoom_blur snow frost fog brightness contrast elastic_transform pixelate "
    "jpeg_compression"
).split()


def distance(corrupted, images):
    """Root of the mean squared difference, in levels."""
    return np.sqrt(np.mean((corrupted.astype(float) - images) ** 2))


def test_they_are_the_papers_fifteen_but_for_those_left_out():
    assert [n for n in PAPER if n not in corruptions.LEFT_OUT] == [*CORRUPTIONS]
    assert set(corruptions.LEFT_OUT) == {"frost"}


@EVERY
def test_severity_takes_pictures_further_away(name):
    distances = [distance(corrupt(IMAGES, name, s), IMAGES) for s in SEVERITIES]
    assert distances[0] > 0
    if name not in NOT_BY_DISTANCE:
        assert distances == sorted(distances)
        assert distances[-1] > 1.2 * distances[0]


@EVERY
def test_a_picture_fares_the_same_alone_and_in_any_order(name):
    before = IMAGES.copy()
    whole = corrupt(IMAGES, name, 3, seed=5)
    np.testing.assert_array_equal(IMAGES, before)
    assert whole.dtype == np.uint8
    assert whole.shape == IMAGES.shape
    np.testing.assert_array_equal(whole[::-1], corrupt(IMAGES[::-1], name, 3, seed=5))
    np.testing.assert_array_equal(whole[7:8], corrupt(IMAGES[7:8], name, 3, seed=5))


@EVERY
def test_a_seed_draws_anew_where_there_is_anything_to_draw(name):
    drawn = name.endswith("_noise") or name in (
        "glass_blur motion_blur snow fog elastic_transform".split()
    )
    one, other = (corrupt(IMAGES[:4], name, 2, seed=seed) for seed in (0, 1))
    assert (one != other).any() == drawn


@EVERY
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (12, 7, 3), (1, 1, 3)])
def test_every_size_is_corrupted_grey_or_coloured(name, shape):
    images = scenes(2, *shape)
    for severity in SEVERITIES:
        assert corrupt(images, name, severity).shape == images.shape


@EVERY
def test_black_and_white_pictures_stay_within_eight_bits(name):
    for value in (0, 255):
        corrupted = corrupt(np.full([1, 32, 32, 3], value, "uint8"), name, 5)
        near = np.abs(corrupted.astype(int) - value)
        assert near.mean() < 100  # no value has gone round from 255 to 0


@pytest.mark.parametrize(
    ("name", "severity", "images", "says"),
    [
        ("rain", 1, IMAGES, "name=rain is no corruption that we have; choose of gaus"),
        ("frost", 1, IMAGES, r"that we have \(it is made of photographs"),
        ("snow", 0, IMAGES, "severity=0 must be one of 1, 2, 3, 4, 5"),
        ("snow", 6, IMAGES, "severity=6 must be"),
        ("snow", 1, IMAGES / 255, "images are float64 .* give uint8"),
        ("snow", 1, IMAGES[0], r"images are uint8 \[32, 32, 3\]; give uint8"),
        ("snow", 1, IMAGES[..., :2], r"give uint8 \[N, H, W, 1 or 3\]"),
    ],
)
def test_what_cannot_be_corrupted_is_refused_in_a_sentence(
    name, severity, images, says
):
    with pytest.raises(InputError, match=says):
        corrupt(images, name, severity)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"severity": 3.0}, "^severity is 3.0; give a whole number"),
        ({"seed": -1}, "^seed is -1"),
        ({"seed": 1.5}, "^seed is 1.5"),
        ({"name": ["fog"]}, r"^name=\['fog'\] is no corruption"),
        ({"name": None}, "^name=None is no corruption"),
    ],
)
def test_arguments_of_another_kind_are_refused_by_name(arguments, says):
    with pytest.raises(InputError, match=says):
        corrupt(np.zeros([1, 8, 8, 3], "uint8"), **WELL | arguments)
