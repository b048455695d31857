import numpy as np
import pytest

from jem_tf import datasets, jem, networks, pixels
from jem_tf.evaluation import calibration_error, inference
from jem_tf.metrics.calibration import expected_calibration_error

pytestmark = pytest.mark.slow

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def parts():
    data = datasets.load("digits")
    model = jem.JEM(networks.build("convnet-8", SHAPE, 10, seed=1), p_x_weight=0.0)
    model.compile()
    x, y = data.train
    model.fit(pixels.from_uint8(x), y, batch_size=32, epochs=3, verbose=0)
    return model, data.validation, data.test


@pytest.fixture(scope="module")
def measured(parts):
    return calibration_error.evaluate_confidence(*parts, noise=0.5)


def test_the_numbers_are_those_of_the_test_images(parts, measured):
    (model, _, test), (metrics, _) = parts, measured
    logits = inference.logits(model, test.images)
    hits = np.argmax(logits, axis=1) == test.labels.numpy()
    assert metrics["accuracy"] == hits.mean()
    assert metrics["accuracy_ci"][0] < hits.mean() < metrics["accuracy_ci"][1]
    assert metrics["ece"] == expected_calibration_error(logits, test.labels)
    assert metrics["ece_ci"][0] < metrics["ece_ci"][1]


def test_the_parts_of_brier_sum_to_it_and_have_their_intervals(measured):
    metrics, _ = measured
    signs = {"reliability": 1, "resolution": -1, "uncertainty": 1, "within_bins": 1}
    parts = [sign * metrics[f"brier_{name}"] for name, sign in signs.items()]
    assert sum(parts) == pytest.approx(metrics["brier"], abs=1e-6)
    assert "brier_uncertainty_ci" not in metrics  # all resamples would be below it
    for name in ("reliability", "resolution", "within_bins"):
        low, high = metrics[f"brier_{name}_ci"]
        assert low < high


def test_what_is_within_bins_may_be_negative_and_so_may_its_interval():
    """Of one bin, in which the probability of a class rises with its share."""
    logits = np.stack([np.repeat([0.3, 0.4], 500), np.zeros(1000)], axis=1)
    labels = np.r_[np.ones(450), np.zeros(50), np.ones(50), np.zeros(450)].astype(int)
    parts = calibration_error._brier_parts(logits, labels, [labels], seed=0)
    low, high = parts["brier_within_bins_ci"]
    assert low < parts["brier_within_bins"] < high < 0


def test_noise_on_the_images_is_felt_and_a_seed_repeats_it(parts, measured):
    metrics, _ = measured
    assert metrics["accuracy_noisy"] < metrics["accuracy"]
    again, _ = calibration_error.evaluate_confidence(*parts, noise=0.5)
    assert again == metrics
    names = [f"class {y}" for y in range(10)]
    classes, figures = calibration_error.evaluate_confidence(
        *parts, noise=0.5, class_names=names
    )
    assert metrics.items() <= classes.items()
    assert {f"by_class/{name}/ece" for name in names} <= set(classes)
    assert "by_class" in figures
    without, _ = calibration_error.evaluate_confidence(*parts, noise=0)
    assert without["accuracy_noisy"] == without["accuracy"]


def test_the_temperature_is_of_validation_and_lowers_the_nll(parts, measured):
    (model, validation, test), (metrics, _) = parts, measured
    both, _ = calibration_error.evaluate_confidence(model, test, test, noise=0)
    assert both["nll_temperature_scaled"] <= both["nll"]
    assert both["temperature"] != metrics["temperature"]
    labels = validation.labels.numpy()
    scaled = inference.logits(model, validation.images) / metrics["temperature"]
    nll = calibration_error.ERRORS["nll"]
    assert nll(scaled, labels) <= nll(scaled * 1.05, labels)
    assert nll(scaled, labels) <= nll(scaled * 0.95, labels)
    for name in calibration_error.SCALED:
        logits = inference.logits(model, test.images) / metrics["temperature"]
        error = calibration_error.ERRORS[name](logits, test.labels.numpy())
        assert metrics[f"{name}_temperature_scaled"] == pytest.approx(error)


def test_there_is_a_reliability_diagram_and_a_histogram(measured):
    _, figures = measured
    assert set(figures) == {"reliability", "confidence"}
    assert figures["reliability"].axes[0].get_title().startswith("ECE")
