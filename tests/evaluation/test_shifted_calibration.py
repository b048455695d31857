import numpy as np
import pytest

from jem_tf.corruptions import SEVERITIES, corrupt
from jem_tf.datasets import Split
from jem_tf.evaluation import inference, shifted_calibration
from jem_tf.metrics import calibration, intervals
from tests import tiny_models

NAMES = ["contrast", "gaussian_noise"]
IMAGES, LABELS = tiny_models.data(n=60)
TEMPERATURE = 0.25


@pytest.fixture(scope="module")
def model():
    return tiny_models.jem()


@pytest.fixture(scope="module")
def measured(model):
    return shifted_calibration.evaluate_shift(
        model, Split(IMAGES, LABELS), NAMES, temperature=TEMPERATURE, seed=3
    )


def slow_cell(model, name, severity):
    logits = inference.logits(model, corrupt(IMAGES, name, severity, seed=3))
    ece = calibration.expected_calibration_error
    right = np.argmax(logits, axis=1) == LABELS
    return {
        "accuracy": right.mean(),
        "ece": ece(logits, LABELS),
        "ece_temperature_scaled": ece(logits / TEMPERATURE, LABELS),
    }


def test_each_number_is_that_of_its_corruption_and_severity(model, measured):
    metrics, _ = measured
    cells = {(name, s): slow_cell(model, name, s) for name in NAMES for s in SEVERITIES}
    for number in shifted_calibration.NUMBERS:
        for (name, s), cell in cells.items():
            key = f"corrupted_{number}/{name}/severity_{s}"
            assert metrics[key] == pytest.approx(cell[number], abs=1e-6)
        for s in SEVERITIES:
            mean = np.mean([cells[name, s][number] for name in NAMES])
            key = f"corrupted_{number}/mean/severity_{s}"
            assert metrics[key] == pytest.approx(mean, abs=1e-6)
    errors = [1 - cell["accuracy"] for cell in cells.values()]
    assert metrics["mean_corruption_error"] == pytest.approx(np.mean(errors))
    low, high = metrics["mean_corruption_error_ci"]
    assert low < np.mean(errors) < high


def test_the_interval_of_a_mean_resamples_images_with_all_their_corruptions(
    model, measured
):
    metrics, _ = measured
    logits = [
        inference.logits(model, corrupt(IMAGES, name, 4, seed=3)) for name in NAMES
    ]

    def mean_ece(rows):
        each = [
            np.abs(calibration.bin_gaps(x[rows], LABELS[rows]).mean(axis=0)).sum()
            for x in logits
        ]
        return float(np.mean(each))

    rows = np.arange(60)
    resampled = intervals.resample(mean_ece, rows, seed=3)
    slow = intervals.basic_interval(mean_ece(rows), resampled)
    assert metrics["corrupted_ece/mean/severity_4_ci"] == pytest.approx(slow, abs=1e-6)
    one = metrics["corrupted_accuracy/contrast/severity_4"]
    assert metrics["corrupted_accuracy/contrast/severity_4_ci"] == (
        intervals.proportion(60 * one, 60)
    )


def test_what_chance_makes_of_a_mean_is_of_the_same_labels_everywhere(model):
    images = IMAGES[:40]
    labels = inference.logits(model, images).argmax(axis=1)
    split, seed = Split(images, labels), 5
    metrics, _ = shifted_calibration.evaluate_shift(
        model, split, NAMES, temperature=1.0, severities=[1], seed=seed
    )
    counts = intervals.resample_counts(len(labels), seed=seed)
    values, resampled, by_chance = [], [], []
    for name in NAMES:
        corrupted = corrupt(images, name, 1, seed=seed)
        logits = inference.logits(model, corrupted)
        gaps = calibration.bin_gaps(logits, labels)
        values.append(calibration.expected_calibration_error(logits, labels))
        resampled.append(calibration.resampled_errors(gaps, counts))
        draws = len(counts)
        by_chance.append(calibration.errors_by_chance(logits, draws, seed=seed))
    value, resampled = np.mean(values), np.mean(resampled, axis=0)
    expected = intervals.basic_interval(
        value, resampled, by_chance=np.mean(by_chance, axis=0)
    )
    assert expected[0] < intervals.basic_interval(value, resampled)[0]
    key = "corrupted_ece/mean/severity_1_ci"
    assert metrics[key] == pytest.approx(expected, abs=1e-6)


def test_the_figures_begin_without_corruption(model, measured):
    _, figures = measured
    logits = inference.logits(model, IMAGES)
    accuracy, ece, _ = figures["shift"].axes
    right = np.mean(np.argmax(logits, axis=1) == LABELS)
    assert {line.get_ydata()[0] for line in accuracy.lines} == {right}
    clean = calibration.expected_calibration_error(logits, LABELS)
    assert ece.lines[0].get_ydata()[0] == pytest.approx(clean)
    labels = [
        text.get_text() for text in figures["corruptions"].axes[0].get_yticklabels()
    ]
    assert labels == NAMES


def test_some_severities_are_those_of_all(model, measured):
    some, figures = shifted_calibration.evaluate_shift(
        model,
        Split(IMAGES, LABELS),
        NAMES,
        temperature=TEMPERATURE,
        severities=[2, 5],
        seed=3,
    )
    kept = {key: measured[0][key] for key in some if "mean_corruption" not in key}
    assert {key: some[key] for key in kept} == kept
    assert {key[-1] for key in kept if not key.endswith("_ci")} == {"2", "5"}
    means = [some[f"corrupted_accuracy/mean/severity_{s}"] for s in (2, 5)]
    assert some["mean_corruption_error"] == pytest.approx(1 - np.mean(means))
    assert figures["shift"].axes[0].lines[0].get_xdata().tolist() == [0, 2, 5]


def test_a_protocol_says_what_was_left_out_and_for_which_size_it_is_made():
    protocol = shifted_calibration.describe_shift(NAMES, (4, 4, 1))
    assert protocol["corruptions"] == NAMES
    assert protocol["severities"] == [1, 2, 3, 4, 5]
    left_out = protocol["corruptions_left_out"]
    assert "photographs" in left_out["frost"]
    assert left_out["snow"] == "not asked for"
    assert len(left_out) + len(NAMES) == 15
    assert "32x32 pixels, on images of 4x4" in protocol["corruption_parameters"]
    assert "AlexNet" in protocol["mean_corruption_error"]
    same = shifted_calibration.describe_shift(NAMES, (32, 32, 3))
    assert "on images of" not in same["corruption_parameters"]


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_the_interval_of_a_mean_accuracy_lies_in_0_to_1(wrong):
    logits = np.eye(2)[np.r_[np.ones(wrong, int), np.zeros(60 - wrong, int)]]
    counts = intervals.resample_counts(60)
    cell = shifted_calibration._measure(logits, np.zeros(60, int), 1.0, counts, 0)
    mean = shifted_calibration._mean([cell, cell])["accuracy"]
    low, high = mean.interval()
    assert 0.8 < low < mean.value <= high <= 1
