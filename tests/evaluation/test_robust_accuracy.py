import numpy as np
import pytest

from jem_tf.evaluation import robust_accuracy
from jem_tf.metrics import intervals

RADII = {"l2": [0.0, 0.5]}
FIRST = {"l2": np.array([[1.0, 1.0, 0.0, 0.5], [0.0, 1.0, 1.0, 0.5]])}
SECOND = {"l2": np.array([[1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0]])}


def test_the_worst_is_taken_image_by_image():
    kinds = {"a": {"l2": np.array([[1.0, 0.0]])}, "b": {"l2": np.array([[0.0, 1.0]])}}
    worst = robust_accuracy.worst_of_kinds(kinds)
    np.testing.assert_array_equal(worst["l2"], [[0.0, 0.0]])


def test_what_breaks_at_a_radius_is_broken_at_larger_ones():
    shares = np.array([[1.0, 1.0, 0.0], [0.4, 1.0, 1.0], [0.6, 0.2, 1.0]])
    expected = [[1.0, 1.0, 0.0], [0.4, 1.0, 0.0], [0.4, 0.2, 0.0]]
    np.testing.assert_array_equal(robust_accuracy.carry_failures(shares), expected)


def test_an_accuracy_is_the_mean_share_with_wilsons_interval():
    outcomes = {0: {"plain": FIRST}, 2: {"first": FIRST, "second": SECOND}}
    metrics = robust_accuracy.compute_accuracies(outcomes, {2: SECOND}, RADII)
    expected = {
        "robust_accuracy/l2/0/jem0": 2.5 / 4,
        "robust_accuracy/l2/0.5/jem0": 1.5 / 4,  # the third image broke at 0
        "robust_accuracy/l2/0/jem2": 1.5 / 4,
        "robust_accuracy/l2/0.5/jem2": 0.5 / 4,
        "robust_accuracy/l2/0/jem2/first": 2.5 / 4,
        "robust_accuracy/l2/0.5/jem2/first": 1.5 / 4,
        "robust_accuracy/l2/0/jem2/second": 3 / 4,
        "robust_accuracy/l2/0.5/jem2/second": 3 / 4,
        "transfer_accuracy/l2/0/jem2": 3 / 4,
        "transfer_accuracy/l2/0.5/jem2": 3 / 4,
    }
    numbers = {key: metrics[key] for key in metrics if not key.endswith("_ci")}
    assert numbers == pytest.approx(expected)
    for key, accuracy in expected.items():
        assert metrics[f"{key}_ci"] == intervals.proportion(4 * accuracy, 4)


@pytest.mark.parametrize("transferred", [False, True])
def test_there_is_a_curve_for_each_k_and_a_dashed_one_of_what_was_transferred(
    transferred,
):
    outcomes = {k: {"plain": FIRST} for k in (0, 10)}
    moved = dict.fromkeys(outcomes, SECOND) if transferred else {}
    metrics = robust_accuracy.compute_accuracies(outcomes, moved, RADII)
    curves = robust_accuracy.make_curves(
        metrics, [0, 10], RADII, transferred=transferred
    )
    labels = ["JEM-0", "JEM-10"]
    if transferred:
        labels += ["JEM-0, from baseline", "JEM-10, from baseline"]
    assert [curve.label for curve in curves["l2"]] == labels
    assert [curve.dashed for curve in curves["l2"]] == [False] * 2 + [True] * (
        len(labels) - 2
    )
    solid = curves["l2"][1]
    assert (solid.group, solid.x, solid.y) == (10, [0.0, 0.5], [2.5 / 4, 1.5 / 4])
    assert solid.intervals[0] == metrics["robust_accuracy/l2/0/jem10_ci"]
