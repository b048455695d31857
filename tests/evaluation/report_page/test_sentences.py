import pytest

from jem_tf.evaluation.report_page import sentences
from jem_tf.evaluation.report_page.run_results import Result
from jem_tf.evaluation.report_page.sentences import CAN, CANNOT, UNPROVEN
from jem_tf.evaluation.tables import Cell
from tests.evaluation.report_page.pages import CIFAR


@pytest.mark.parametrize(
    ("value", "interval", "verdict"),
    [
        (0.3, [0.2, 0.4], CAN),
        (0.05, [0.01, 0.1], CANNOT),
        (0.05, [0.01, 0.2], UNPROVEN),
        (0.15, [0.05, 0.2], UNPROVEN),
        (0.3, None, CAN),
        (0.1, None, CANNOT),
        (0.3, [None, 0.4], UNPROVEN),
        (None, None, UNPROVEN),
    ],
)
def test_can_and_cannot_go_by_the_whole_interval(value, interval, verdict):
    assert sentences.judge(Cell(value, interval, None), 0.1) == verdict


def test_numbers_are_said_with_their_interval_or_error():
    assert sentences.say_share(Cell(0.917, [0.912, 0.922], None)) == (
        "91.7% [91.2%, 92.2%]"
    )
    assert sentences.say_number(Cell(77.72, None, 0.61)) == "77.7 ± 0.610"
    assert sentences.say_number(Cell(0.00012, None, 0.000034)) == "0.00012 ± 3.4e-05"
    assert sentences.say_number(Cell(1.0, [0.95, 1.0], None)) == "1.000 [0.950, 1.000]"
    assert sentences.say_number(Cell(None, None, None)) == "n/a"
    assert sentences.say_share(Cell(0.5, [None, 0.6], None)) == "50.0% [n/a, 60.0%]"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ([0.8, 0.85], "more than"),
        ([0.95, 0.99], "less than"),
        ([0.8, 0.91], "not clearly different from"),
        ([0.8, None], "not clearly different from"),
    ],
)
def test_two_numbers_differ_where_their_intervals_lie_apart(other, said):
    own = Cell(0.92, [0.9, 0.94], None)
    assert sentences.compare(own, Cell(0.8, other, None)) == said


def result(metrics, **protocol):
    return Result(metrics, CIFAR | protocol, {}, [])


def test_a_baseline_measured_otherwise_is_not_compared():
    own = result({"accuracy": 0.9, "auroc/svhn/max_p": 0.9}, sets={"svhn": "all"})
    clause = sentences.beside_baseline
    other = result({"accuracy": 0.8}, images="the first 500 of the test split")
    says = " (the baseline's 80.0% was measured otherwise)"
    assert clause(other, own, "accuracy") == says
    alike = result({"accuracy": 0.8, "auroc/svhn/max_p": 0.8}, sets={"svhn": "odd"})
    assert clause(alike, own, "accuracy") == ", more than the baseline's 80.0%"
    assert clause(alike, own, "auroc/svhn/max_p").endswith("measured otherwise)")


def test_a_baseline_under_a_weaker_attack_is_not_compared():
    key = "robust_accuracy/linf/8/jem0"
    own, weaker = result({key: 0.3}, pgd_steps=40), result({key: 0.4}, pgd_steps=10)
    assert sentences.beside_baseline(weaker, own, key).endswith("otherwise)")


def test_a_number_that_only_one_run_has_is_not_compared():
    own = result({"accuracy": 0.9})
    assert sentences.beside_baseline(None, own, "accuracy") == ""
    assert sentences.beside_baseline(result({}), own, "accuracy") == ""
    assert sentences.beside_baseline(result({"accuracy": None}), own, "accuracy") == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("the first 10000 of the test split", "all 10,000 test images"),
        ("the first 500 of the test split", "the first 500 of 10,000 test images"),
        ("the first 8 of the validation split", "the first 8 of the validation split"),
        ("something else, the positives", "something else"),
    ],
)
def test_images_are_named_with_their_count(words, said):
    assert sentences.name_images(CIFAR | {"images": words}) == said
