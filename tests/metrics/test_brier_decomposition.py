import numpy as np
import pytest
import scipy.special

from jem_tf.metrics import calibration
from jem_tf.metrics.brier_decomposition import Parts, decompose_brier
from tests.metrics.test_calibration import certain, example


def slow_parts(logits, labels, bins):
    """Each part by its own formula, a class and a bin at a time."""
    p = scipy.special.softmax(logits, axis=1)
    parts, n = dict.fromkeys(Parts._fields, 0.0), len(labels)
    for y in range(p.shape[1]):
        o = np.array([float(label == y) for label in labels])
        parts["uncertainty"] += o.mean() * (1 - o.mean())
        for b in range(bins):
            low, high = b / bins, (b + 1) / bins
            some = [
                i for i in range(n) if low <= p[i, y] < high or p[i, y] == high == 1
            ]
            if not some:
                continue
            q, right = p[some, y], o[some]
            share = len(some) / n
            parts["reliability"] += share * (q.mean() - right.mean()) ** 2
            parts["resolution"] += share * (right.mean() - o.mean()) ** 2
            covariance = np.mean((q - q.mean()) * (right - right.mean()))
            parts["within_bins"] += share * (q.var() - 2 * covariance)
    return Parts(**parts)


@pytest.mark.parametrize("bins", [1, 6, 20])
def test_the_parts_are_those_of_their_formulas_and_sum_to_the_score(bins):
    logits, labels = example()
    parts = decompose_brier(logits, labels, bins=bins)
    assert parts == pytest.approx(slow_parts(logits, labels, bins), abs=1e-12)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
    assert whole == pytest.approx(calibration.brier(logits, labels), abs=1e-6)


def test_by_hand_a_forecast_of_two_values():
    """Murphy's own case: nothing is left within a bin, whatever the bins."""
    logits = np.concatenate([certain(0.9, 10), certain(0.3, 10)])
    labels = np.array([0] * 8 + [1] * 2 + [0] * 4 + [1] * 6)  # 8 and 4 of 10 are 0
    for bins in (5, 20):
        parts = decompose_brier(logits, labels, bins=bins)
        assert parts.reliability == pytest.approx(2 * (0.1**2 + 0.1**2) / 2)
        assert parts.resolution == pytest.approx(2 * (0.2**2 + 0.2**2) / 2)
        assert parts.uncertainty == pytest.approx(2 * 0.6 * 0.4)
        assert parts.within_bins == pytest.approx(0, abs=1e-12)


def test_who_always_says_the_base_rate_has_the_uncertainty_alone():
    logits = np.log(np.tile([0.25, 0.75], [8, 1]))
    parts = decompose_brier(logits, np.array([0] * 2 + [1] * 6))
    assert parts == pytest.approx((0, 0, 2 * 0.25 * 0.75, 0), abs=1e-12)


def test_who_is_sure_and_right_resolves_all_uncertainty():
    labels = np.arange(12) % 4
    parts = decompose_brier(1000 * np.eye(4)[labels], labels)
    assert parts == pytest.approx((0, 0.75, 0.75, 0), abs=1e-12)
