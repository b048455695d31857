import numpy as np
import pytest
import scipy.special

from jem_tf.metrics.calibration import expected_calibration_error


def slow_error(logits, labels, bins):
    """Guo et al. (2017), equation 3, an example at a time."""
    confident, right = [[] for _ in range(bins)], [[] for _ in range(bins)]
    for row, label in zip(scipy.special.softmax(logits, axis=1), labels, strict=True):
        place = min(int(row.max() * bins), bins - 1)
        confident[place].append(row.max())
        right[place].append(row.argmax() == label)
    return sum(
        len(c) / len(labels) * abs(np.mean(r) - np.mean(c))
        for c, r in zip(confident, right, strict=True)
        if c
    )


def certain(confidence, n, classes=2):
    """Logits of n examples that say class 0 with this confidence."""
    rest = (1 - confidence) / (classes - 1)
    return np.log(np.array([[confidence, *[rest] * (classes - 1)]] * n))


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("bins", [1, 7, 20])
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
def test_it_is_the_mean_gap_over_bins(classes, bins, scale):
    generator = np.random.default_rng(classes)
    logits = scale * generator.normal(size=[500, classes])
    labels = generator.integers(0, classes, 500)
    found = expected_calibration_error(logits, labels, bins=bins)
    assert isinstance(found, float)
    assert found == pytest.approx(slow_error(logits, labels, bins), abs=1e-5)


def test_twenty_bins_are_the_default():
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=[200, 3]), generator.integers(0, 3, 200)
    found = expected_calibration_error(logits, labels)
    assert found == expected_calibration_error(logits, labels, bins=20)
    assert found != expected_calibration_error(logits, labels, bins=5)


@pytest.mark.parametrize(("right", "error"), [(100, 0.12), (88, 0.0), (50, 0.38)])
def test_confidence_is_held_against_the_share_that_is_right(right, error):
    labels = np.array([0] * right + [1] * (100 - right))
    found = expected_calibration_error(certain(0.88, 100), labels)
    assert found == pytest.approx(error, abs=1e-5)


def test_gaps_in_different_bins_do_not_cancel():
    logits = np.concatenate([certain(0.93, 50), certain(0.63, 50)])
    labels = np.array([1] * 50 + [0] * 50)
    found = expected_calibration_error(logits, labels)
    assert found == pytest.approx((0.93 + 0.37) / 2, abs=1e-5)


@pytest.mark.parametrize(("label", "error"), [(0, 0.0), (1, 1.0)])
def test_certainty_counts_in_full(label, error):
    logits = np.array([[100.0, -100.0]] * 7)
    assert expected_calibration_error(logits, [label] * 7) == pytest.approx(error)
