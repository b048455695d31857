"""Means and standard deviations over seeds, against numpy and by hand."""

import numpy as np
import pytest

from jem_tf.evaluation import seed_summary

RUNS = [
    {"calibration": {"accuracy": 0.9, "accuracy_ci": [0.8, 1.0], "nll": 0.5}},
    {"calibration": {"accuracy": 0.7, "accuracy_ci": [0.6, 0.8], "nll": None}},
    {"calibration": {"accuracy": 0.8, "accuracy_ci": [0.7, 0.9], "nll": 0.7}},
]


def test_mean_and_deviation_are_those_of_hand_and_numpy():
    found = seed_summary.summarise([1.0, 2, 6])
    assert found["mean"] == 3
    assert found["sd"] == pytest.approx(7**0.5)  # (4 + 1 + 9) / (3 - 1)
    values = np.random.default_rng(0).normal(size=5)
    found = seed_summary.summarise(values.tolist())
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert found["values"] == values.tolist()


def test_one_run_has_no_deviation():
    assert seed_summary.summarise([0.5]) == {"mean": 0.5, "sd": None, "values": [0.5]}


def test_a_number_that_a_run_lacks_leaves_no_mean_of_the_others():
    found = seed_summary.summarise([0.5, None, 0.7])
    assert (found["mean"], found["sd"]) == (None, None)
    assert found["values"] == [0.5, None, 0.7]


def test_every_metric_stands_with_its_values_and_intervals():
    found = seed_summary.summarise_runs(RUNS)["calibration"]
    assert set(found) == {"accuracy", "nll"}  # an interval is no metric
    assert found["accuracy"]["mean"] == pytest.approx(0.8)
    assert found["accuracy"]["sd"] == pytest.approx(0.1)
    assert found["accuracy"]["values"] == [0.9, 0.7, 0.8]
    assert found["accuracy"]["intervals"] == [[0.8, 1.0], [0.6, 0.8], [0.7, 0.9]]
    assert found["nll"]["mean"] is None
    assert "intervals" not in found["nll"]


def test_a_metric_of_some_runs_alone_stands_without_a_mean():
    runs = [{"ood": {"auroc/svhn/log_px": 0.9}}, {"ood": {}}]
    found = seed_summary.summarise_runs(runs)["ood"]["auroc/svhn/log_px"]
    assert (found["mean"], found["values"]) == (None, [0.9, None])


def test_the_table_has_the_headlines_and_each_runs_value():
    metrics = {"accuracy": 0.9, "ece": 0.1, "brier": 0.2}
    robust = {f"robust_accuracy/linf/{e}/jem0": 0.3 for e in (0, 8, 255)}
    robust |= {"robust_accuracy/linf/8/jem1/full": 0.4, "distal/reached": 3}
    runs = [{"calibration": metrics, "robustness": robust}] * 2
    lines = seed_summary.format_headlines(seed_summary.summarise_runs(runs))
    assert [line.split()[:2] for line in lines] == [
        ["calibration", "accuracy"],
        ["calibration", "ece"],
        ["robustness", "robust_accuracy/linf/8/jem0"],
    ]
    assert lines[0].split()[2:] == ["0.9", "+-", "0", "(0.9,", "0.9)"]
