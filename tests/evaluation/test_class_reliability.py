import numpy as np
import pytest

from jem_tf.evaluation import class_reliability
from jem_tf.metrics import calibration, classwise_calibration, intervals
from tests.metrics.test_calibration import example


def test_by_hand_a_class_has_its_images_predictions_and_gap():
    p = np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.3, 0.7, 0], [0.2, 0.8, 0]])
    labels = np.array([0, 1, 1, 2])
    metrics, _ = class_reliability.evaluate_classes(
        np.log(p + 1e-12), labels, ["ant", "bee", "cow"]
    )
    ant, bee, cow = (
        {k.split("/")[-1]: v for k, v in metrics.items() if f"/{name}/" in k}
        for name in ("ant", "bee", "cow")
    )
    assert (ant["images"], ant["predicted"], ant["accuracy"]) == (1, 2, 1)
    assert (bee["images"], bee["predicted"], bee["accuracy"]) == (2, 2, 0.5)
    assert (ant["precision"], ant["confidence"]) == (0.5, pytest.approx(0.9))
    assert ant["ece"] == pytest.approx(0.4)  # .9 against one of two
    assert bee["ece"] == pytest.approx((0.8 - 0 + 1 - 0.7) / 2)  # two bins of one
    assert (cow["images"], cow["predicted"], cow["accuracy"]) == (1, 0, 0)
    assert cow["precision"] is cow["confidence"] is cow["ece"] is None
    assert ant["precision_ci"] == intervals.proportion(1, 2)
    assert "ece_ci" not in ant  # resamples of two are too much alike
    assert "ece_ci" not in bee


def test_the_classes_are_parts_of_the_whole():
    logits, labels = example(n=500)
    names = [f"class {y}" for y in range(5)]
    metrics, figures = class_reliability.evaluate_classes(logits, labels, names)
    table = {
        key: np.array([metrics[f"by_class/{name}/{key}"] for name in names])
        for key in ("images", "predicted", "accuracy", "precision", "ece_one_vs_rest")
    }
    assert table["images"].sum() == table["predicted"].sum() == 500
    right = np.mean(np.argmax(logits, axis=1) == labels)
    for share, count in (("accuracy", "images"), ("precision", "predicted")):
        assert table[share] @ table[count] / 500 == pytest.approx(right)
    assert table["ece_one_vs_rest"].mean() == pytest.approx(
        classwise_calibration.classwise_calibration_error(logits, labels)
    )
    for y, name in enumerate(names):
        own = np.argmax(logits, axis=1) == y
        ece = calibration.expected_calibration_error(logits[own], labels[own])
        assert metrics[f"by_class/{name}/ece"] == pytest.approx(ece, abs=1e-5)
    titles = [axes.get_title() for axes in figures["by_class"].axes]
    assert titles == names


def test_of_many_classes_the_figure_shows_those_of_the_largest_errors():
    logits, labels = example(n=600, classes=30)
    names = [f"class {y}" for y in range(30)]
    _, figures = class_reliability.evaluate_classes(logits, labels, names)
    errors = classwise_calibration.class_errors(logits, labels)
    worst = sorted(np.argsort(-errors)[: class_reliability.PANELS])
    titles = [axes.get_title() for axes in figures["by_class"].axes]
    assert titles == [names[y] for y in worst]
