import numpy as np
import pytest
import scipy.special

from jem_tf.metrics import calibration, classwise_calibration
from tests.metrics.test_calibration import example


def logits_of(rows):
    return np.log(np.array(rows, float))


# Four examples: p(0|x) is .9, .9, .2, .2, and the labels are 0, 1, 1, 1.
HAND = logits_of([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
LABELS = np.array([0, 1, 1, 1])


def test_by_hand_each_class_has_the_gaps_of_its_bins():
    # class 0: |.9 - 1/2| / 2 + |.2 - 0| / 2 = .3; class 1: |.1 - .5|/2 + |.8 - 1|/2
    errors = classwise_calibration.class_errors(HAND, LABELS, bins=10)
    assert errors == pytest.approx([0.3, 0.3])
    whole = classwise_calibration.classwise_calibration_error(HAND, LABELS, bins=10)
    assert whole == pytest.approx(0.3)


def test_by_hand_ranges_hold_equally_many():
    # two ranges of two: as above. One range of all: |.55 - .25| = .3. Four of one:
    # class 0 has .2, .2, .9, .9 in this order, of which the third alone is right.
    measured = [
        classwise_calibration.adaptive_classwise_error(HAND, LABELS, bins=bins)
        for bins in (1, 2, 4)
    ]
    assert measured == pytest.approx([0.3, 0.3, (0.2 + 0.2 + 0.1 + 0.9) / 4])


def slow_classwise(logits, labels, bins):
    p = scipy.special.softmax(logits, axis=1)
    errors = []
    for y in range(p.shape[1]):
        inside = [[] for _ in range(bins)]
        for row, label in zip(p, labels, strict=True):
            inside[min(int(row[y] * bins), bins - 1)].append((row[y], label == y))
        gaps = [abs(sum(q - right for q, right in some)) for some in inside]
        errors.append(sum(gaps) / len(labels))
    return errors


def slow_adaptive(logits, labels, bins):
    p = scipy.special.softmax(logits, axis=1)
    total = 0
    for y in range(p.shape[1]):
        order = sorted(range(len(labels)), key=lambda i: p[i, y])
        for some in np.array_split(np.array(order), bins):
            gap = np.mean(p[some, y]) - np.mean(labels[some] == y)
            total += len(some) / len(labels) * abs(gap)
    return total / p.shape[1]


@pytest.mark.parametrize("bins", [1, 7, 20])
@pytest.mark.parametrize("n", [400, 403])
def test_both_errors_are_those_of_a_loop_over_examples(bins, n):
    logits, labels = example(n=n)
    errors = classwise_calibration.class_errors(logits, labels, bins=bins)
    assert errors == pytest.approx(slow_classwise(logits, labels, bins), abs=1e-12)
    whole = classwise_calibration.classwise_calibration_error(logits, labels, bins=bins)
    assert whole == pytest.approx(np.mean(errors))
    adaptive = classwise_calibration.adaptive_classwise_error(logits, labels, bins=bins)
    assert adaptive == pytest.approx(slow_adaptive(logits, labels, bins), abs=1e-12)


def test_calibrated_probabilities_have_small_errors_and_sharper_ones_larger():
    logits, labels = example(n=20_000)
    for error in (
        classwise_calibration.classwise_calibration_error,
        classwise_calibration.adaptive_classwise_error,
    ):
        assert error(logits, labels) < 0.012
        assert error(3 * logits, labels) > 0.05


def test_of_two_classes_each_is_the_others_mirror():
    logits, labels = example(n=300, classes=2)
    first, second = classwise_calibration.class_reliability(logits, labels, bins=8)
    assert first.counts.tolist() == second.counts[::-1].tolist()
    full = first.counts > 0
    np.testing.assert_allclose(
        first.confidence[full], 1 - second.confidence[::-1][full]
    )
    errors = classwise_calibration.class_errors(logits, labels, bins=8)
    gaps = np.abs(first.confidence - first.accuracy)[full] * first.counts[full]
    assert errors == pytest.approx([gaps.sum() / 300] * 2)


def test_a_class_without_examples_or_probability_has_no_error():
    logits = np.array([[5.0, 5.0, -1000.0]] * 4)
    errors = classwise_calibration.class_errors(logits, [0, 1, 0, 1])
    assert errors == pytest.approx([0, 0, 0])
    assert calibration.expected_calibration_error(logits, [0, 1, 0, 1]) < 1e-6
