import keras
import numpy as np
import pytest

from jem_tf import jem
from jem_tf.evaluation import inference, noise

SHAPE, N, SLOPE = (8, 8, 1), 200, 100.0


@pytest.fixture(scope="module")
def model():
    """Both logits are SLOPE times the mean pixel, log p(x) is that plus log 2."""
    image = keras.Input(SHAPE)
    mean = keras.layers.GlobalAveragePooling2D()(image)
    logits = keras.layers.Dense(
        2, kernel_initializer=keras.initializers.Constant(SLOPE)
    )
    return jem.JEM(keras.Model(image, logits(mean)), p_x_weight=0.0)


def against_noise(model, images, **options):
    logits = inference.logits(model, images.astype("float32"))
    return noise.against_noise(model, logits, SHAPE, **options)


def of_level(level):
    return np.full([N, *SHAPE], level)


def uniform(seed):
    return np.random.default_rng(seed).uniform(-1, 1, [N, *SHAPE])


@pytest.mark.parametrize("level", [-1.0, 0.0, 0.5, 1.0])
def test_log_px_of_the_images_is_what_the_model_says(model, level):
    found = against_noise(model, of_level(level))["log_px_test"]
    assert found == pytest.approx(SLOPE * level + np.log(2), rel=1e-5)


def test_the_noise_is_uniform_in_minus_one_to_one(model):
    # The mean of 64 pixels of U(-1, 1) has a deviation of sqrt(1 / 3 / 64), and the
    # mean of N of them one of sqrt(N) less: five of these are allowed.
    deviation = SLOPE * np.sqrt(1 / 3 / 64 / N)
    found = against_noise(model, of_level(0.0))["log_px_noise"]
    assert abs(found - np.log(2)) < 5 * deviation


@pytest.mark.parametrize(("level", "auroc"), [(1.0, 1.0), (-1.0, 0.0)])
def test_images_likelier_than_any_noise_are_all_told_from_it(model, level, auroc):
    assert against_noise(model, of_level(level))["auroc_noise"] == auroc


def test_noise_is_not_told_from_noise(model):
    # The AUROC of 200 against 200 alike has a deviation of 0.029.
    assert abs(against_noise(model, uniform(5))["auroc_noise"] - 0.5) < 0.12


def test_the_noise_is_as_wide_as_the_range_allows(model):
    # Narrower noise would hardly ever have a mean beyond 2 deviations of the wide.
    edge = of_level(2 * np.sqrt(1 / 3 / 64))
    assert 0.9 < against_noise(model, edge)["auroc_noise"] < 0.999


def test_equal_seeds_give_equal_noise(model):
    images = uniform(5)
    assert against_noise(model, images, seed=1) == against_noise(model, images, seed=1)
    assert against_noise(model, images, seed=1) != against_noise(model, images, seed=2)


def test_plain_numbers_come_out(model):
    found = against_noise(model, uniform(5))
    assert {type(value) for value in found.values()} == {float}
