import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from jem_tf.evaluation.classification import classification
from jem_tf.metrics.calibration import expected_calibration_error


def random_answers(n=300, classes=5):
    generator = np.random.default_rng(0)
    logits = 2 * generator.normal(size=[n, classes]).astype("float32")
    return logits, generator.integers(0, classes, n).astype("int32")


def test_accuracy_and_nll_are_those_of_the_softmax():
    logits, labels = random_answers()
    p = scipy.special.softmax(logits.astype("float64"), axis=1)
    found = classification(logits, labels)
    right = [row.argmax() == y for row, y in zip(p, labels, strict=True)]
    nll = [-np.log(row[y]) for row, y in zip(p, labels, strict=True)]
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert found["nll"] == pytest.approx(np.mean(nll), rel=1e-5)


@pytest.mark.parametrize("bins", [5, 20])
def test_ece_is_that_of_the_bins_asked_for(bins):
    logits, labels = random_answers()
    found = classification(logits, labels, bins=bins)["ece"]
    assert found == expected_calibration_error(logits, labels, bins=bins)


def test_twenty_bins_are_the_default():
    logits, labels = random_answers()
    assert classification(logits, labels) == classification(logits, labels, bins=20)


def test_to_know_nothing_costs_log_of_the_classes():
    found = classification(np.zeros([8, 4], "float32"), np.arange(8) % 4)
    assert found["nll"] == pytest.approx(np.log(4))
    assert found["accuracy"] == 0.25
    assert found["ece"] == pytest.approx(0.0, abs=1e-6)


def test_to_know_all_costs_nothing():
    labels = np.arange(8) % 4
    found = classification(100 * np.eye(4, dtype="float32")[labels], labels)
    assert found == pytest.approx({"accuracy": 1.0, "nll": 0.0, "ece": 0.0}, abs=1e-6)


def test_tensors_are_as_good_as_arrays_and_numbers_come_out():
    logits, labels = random_answers()
    found = classification(tf.constant(logits), tf.constant(labels))
    assert found == classification(logits, labels)
    assert {type(value) for value in found.values()} == {float}
