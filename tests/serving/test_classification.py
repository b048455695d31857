"""Answers by hand: class, confidence, log p(x), and whether an image is known."""

import numpy as np

from jem_tf.serving import classification
from jem_tf.serving.served_calibration import Calibration

HALF = Calibration(2.0, False, 0.5, 0.95, 0.95, 0.9, 100)  # temperature 2, threshold .5


def test_answers_by_hand():
    logits = np.log([[1.0, 9.0], [16.0, 4.0]])
    answers = classification.classify(logits, np.float32([0.5, 0.4]), ("a", "b"), HALF)
    assert answers.class_names.tolist() == ["b", "a"]
    np.testing.assert_allclose(answers.confidence, [3 / 4, 4 / 6])  # roots of the odds
    np.testing.assert_allclose(answers.log_density, np.log([10, 20]))
    assert answers.is_ood.tolist() == [False, True]  # the threshold itself is known


def test_what_is_not_finite_is_not_known():
    logits = np.array([[0.0, 1.0], [0.0, np.inf], [0.0, 1.0]])
    scores = np.array([np.nan, 1.0, np.inf])
    answers = classification.classify(logits, scores, ("a", "b"), HALF)
    assert answers.is_ood.tolist() == [True, True, True]
