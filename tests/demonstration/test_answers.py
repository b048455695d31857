"""What the page says is what `Predictor.classify` answers."""

import numpy as np
import pytest

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
