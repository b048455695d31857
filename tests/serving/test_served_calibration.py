"""Temperature and threshold, found on validation images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from jem_tf.datasets import Split
from jem_tf.energy_model import EnergyModel
from jem_tf.errors import InputError
from jem_tf.evaluation.scorer import Scorer
from jem_tf.metrics import calibration
from jem_tf.serving import served_calibration

IMAGES = np.random.default_rng(0).integers(0, 256, [200, 2, 2, 1]).astype("uint8")


WEIGHTS = np.random.default_rng(1).normal(size=[4, 3]).astype("float32") * 4


@pytest.fixture(scope="module")
def scorer():
    """Of logits that are a linear map of the pixels."""
    network = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    network.layers[-1].set_weights([WEIGHTS, np.zeros(3)])
    return Scorer(EnergyModel(network))


def logits():
    return (IMAGES / np.float32(127.5) - 1).reshape(-1, 4) @ WEIGHTS


def labels():
    """Drawn from p(y|x) at temperature 2."""
    return tf.random.stateless_categorical(logits() / 2, 1, [0, 1])[:, 0].numpy()


def test_the_temperature_is_the_one_that_made_the_labels(scorer):
    found = served_calibration.calibrate(scorer, Split(IMAGES, labels()), 0.9)
    assert found.temperature == pytest.approx(2, rel=0.3)
    assert not found.temperature_at_bound
    assert found.images == 200


@pytest.mark.parametrize("accept", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("name", ["log_px", "max_logit", "approximate_mass"])
def test_the_threshold_lets_that_share_of_the_images_pass(scorer, accept, name):
    found = served_calibration.calibrate(
        scorer, Split(IMAGES, labels()), accept, ood_score=name
    )
    assert found.ood_score == name
    assert accept <= found.accepted <= accept + 0.01
    score = scorer.scores(IMAGES, [name])[name]
    assert np.mean(score >= found.threshold - 1e-5) == pytest.approx(found.accepted)


def test_a_temperature_at_the_bound_of_its_search_is_said_to_be(scorer):
    right = logits().argmax(1)
    found = served_calibration.calibrate(scorer, Split(IMAGES, right), 0.9)
    assert found.temperature == pytest.approx(calibration.TEMPERATURES[0], rel=0.02)
    assert found.temperature_at_bound
    assert found.accuracy == 1.0


@pytest.mark.parametrize("accept", [0, -0.1, 1.1, float("nan"), "0.9"])
def test_a_share_that_is_none_is_refused_by_name(scorer, accept):
    with pytest.raises(InputError, match=rf"^accept={accept} must be in \(0, 1\]"):
        served_calibration.calibrate(scorer, Split(IMAGES, labels()), accept)
