import numpy as np
import pytest

from jem_tf import datasets, jem, networks
from jem_tf.evaluation import confidence, inference
from jem_tf.metrics.calibration import expected_calibration_error

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def parts():
    data = datasets.load("digits")
    model = jem.JEM(networks.build("convnet-8", SHAPE, 10, seed=1), p_x_weight=0.0)
    model.compile()
    x, y = data.train
    model.fit(datasets.pixels(x), y, batch_size=32, epochs=3, verbose=0)
    return model, data.validation, data.test


@pytest.fixture(scope="module")
def measured(parts):
    return confidence.measure(*parts, noise=0.5)


def test_the_numbers_are_those_of_the_test_images(parts, measured):
    (model, _, test), (found, _) = parts, measured
    logits = inference.logits(model, test.images)
    hits = np.argmax(logits, axis=1) == test.labels.numpy()
    assert found["accuracy"] == hits.mean()
    assert found["accuracy_ci"][0] < hits.mean() < found["accuracy_ci"][1]
    assert found["ece"] == expected_calibration_error(logits, test.labels)
    assert found["ece_ci"][0] < found["ece_ci"][1]


def test_noise_on_the_images_is_felt_and_a_seed_repeats_it(parts, measured):
    found, _ = measured
    assert found["accuracy_noisy"] < found["accuracy"]
    again, _ = confidence.measure(*parts, noise=0.5)
    assert again == found
    without, _ = confidence.measure(*parts, noise=0)
    assert without["accuracy_noisy"] == without["accuracy"]


def test_the_temperature_is_of_validation_and_lowers_the_nll(parts, measured):
    (model, validation, test), (found, _) = parts, measured
    both, _ = confidence.measure(model, test, test, noise=0)
    assert both["nll_temperature_scaled"] <= both["nll"]
    assert both["temperature"] != found["temperature"]
    labels = validation.labels.numpy()
    scaled = inference.logits(model, validation.images) / found["temperature"]
    nll = confidence.ERRORS["nll"]
    assert nll(scaled, labels) <= nll(scaled * 1.05, labels)
    assert nll(scaled, labels) <= nll(scaled * 0.95, labels)


def test_there_is_a_reliability_diagram_and_a_histogram(measured):
    _, figures = measured
    assert set(figures) == {"reliability", "confidence"}
    assert figures["reliability"].axes[0].get_title().startswith("ECE")
