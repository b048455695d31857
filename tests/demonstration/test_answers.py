"""What the page says is what `Predictor.classify` answers."""

import types

import numpy as np
import pytest

from jem_tf import ood_scores
from jem_tf.demonstration import answers
from tests.demonstration.digits_model import digits, pixels_of


@pytest.mark.parametrize("row", range(3))
def test_it_is_what_the_predictor_answers(row):
    model = digits()
    image = np.asarray(model.data.test.images[row])
    own, said = model.predictor.classify(image), answers.answer(model, image)
    assert said["class"] == own.class_names == said["classes"][0]["name"]
    assert said["known"] == (not own.is_ood)
    assert (said["score"] >= said["threshold"]) == said["known"]
    assert said["judge"] == "judged by the model's own score log_px"
    assert said["confidence"] == pytest.approx(own.confidence)
    assert said["classes"][0]["probability"] == pytest.approx(own.confidence, abs=1e-5)
    likely = [one["probability"] for one in said["classes"]]
    assert likely == sorted(likely, reverse=True)
    assert len(likely) == answers.MOST_CLASSES
    np.testing.assert_array_equal(pixels_of(said["picture"]), image[..., 0])


def test_the_reason_has_the_score_and_what_it_is_compared_with():
    model = digits()
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 1), dtype="uint8")
    said = answers.answer(model, noise)
    assert not said["known"]
    begin = (
        f"The picture's score is {said['score']:.2f}, below the threshold -0.57: 95%"
    )
    assert said["reason"].startswith(begin)
    assert "log p(x)" in said["reason"]
    assert "at or above" in answers.explain(model, True, 1.0)


@pytest.mark.parametrize("name", ood_scores.SCORES)
def test_a_score_of_the_classifier_before_is_not_said_to_be_the_models(name):
    own = f"judged by the model's own score {name}"
    before = "judged by the classifier that this model began with"
    expected = before if ood_scores.SCORES[name].initial else own
    assert answers.describe_judge(name) == expected


def reason(score, *, threshold, accept, known=False):
    calibration = types.SimpleNamespace(threshold=threshold, accept=accept)
    model = types.SimpleNamespace(calibration=calibration, score_about="log p(x)")
    return answers.explain(model, known, score).partition(" of the validation")[0]


def test_a_score_that_is_hardly_below_the_threshold_is_shown_below_it():
    assert reason(-0.5740001, threshold=-0.574, accept=0.9999) == (
        "The picture's score is -0.5740001, below the threshold -0.5740000: 99.99%"
    )
    assert reason(2, threshold=2, accept=0.57, known=True) == (
        "The picture's score is 2.00, at or above the threshold 2.00: 57%"
    )
    unknown = reason(float("nan"), threshold=-3, accept=0.95)
    assert unknown == "The picture's score is nan, below the threshold -3.00: 95%"
