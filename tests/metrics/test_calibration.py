import numpy as np
import pytest
import scipy.special

from jem_tf.errors import InputError
from jem_tf.metrics import brier_decomposition, calibration, classwise_calibration
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
    measured = expected_calibration_error(logits, labels, bins=bins)
    assert isinstance(measured, float)
    assert measured == pytest.approx(slow_error(logits, labels, bins), abs=1e-5)


def test_twenty_bins_are_the_default():
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=[200, 3]), generator.integers(0, 3, 200)
    measured = expected_calibration_error(logits, labels)
    assert measured == expected_calibration_error(logits, labels, bins=20)
    assert measured != expected_calibration_error(logits, labels, bins=5)


@pytest.mark.parametrize(("right", "error"), [(100, 0.12), (88, 0.0), (50, 0.38)])
def test_confidence_is_held_against_the_share_that_is_right(right, error):
    labels = np.array([0] * right + [1] * (100 - right))
    measured = expected_calibration_error(certain(0.88, 100), labels)
    assert measured == pytest.approx(error, abs=1e-5)


def test_gaps_in_different_bins_do_not_cancel():
    logits = np.concatenate([certain(0.93, 50), certain(0.63, 50)])
    labels = np.array([1] * 50 + [0] * 50)
    measured = expected_calibration_error(logits, labels)
    assert measured == pytest.approx((0.93 + 0.37) / 2, abs=1e-5)


@pytest.mark.parametrize(("label", "error"), [(0, 0.0), (1, 1.0)])
def test_certainty_counts_in_full(label, error):
    logits = np.array([[100.0, -100.0]] * 7)
    assert expected_calibration_error(logits, [label] * 7) == pytest.approx(error)


def example(n=400, classes=5, scale=2.0, seed=0):
    """Logits of classes that occur as often as softmax(logits) says."""
    generator = np.random.default_rng(seed)
    logits = scale * generator.normal(size=[n, classes])
    p = scipy.special.softmax(logits, axis=1)
    return logits, np.array([generator.choice(classes, p=row) for row in p])


def test_the_adaptive_error_is_the_mean_gap_over_bins_of_equal_counts():
    logits, labels = example(n=403)
    p = scipy.special.softmax(logits, axis=1)
    order = sorted(range(403), key=lambda i: p[i].max())
    gaps, begin = 0, 0
    for size in [41] * 3 + [40] * 7:
        some = order[begin : begin + size]
        begin += size
        right = np.mean([p[i].argmax() == labels[i] for i in some])
        gaps += size / 403 * abs(right - np.mean([p[i].max() for i in some]))
    measured = calibration.adaptive_calibration_error(logits, labels, bins=10)
    assert measured == pytest.approx(gaps, abs=1e-12)


def test_brier_is_the_squared_distance_to_the_truth():
    logits, labels = example()
    p = scipy.special.softmax(logits, axis=1)
    slow = np.mean(np.sum((p - np.eye(5)[labels]) ** 2, axis=1))
    assert calibration.brier(logits, labels) == pytest.approx(slow, abs=1e-6)
    sure = 100 * np.eye(5)
    assert calibration.brier(sure, np.arange(5)) == pytest.approx(0, abs=1e-6)
    assert calibration.brier(sure, (np.arange(5) + 1) % 5) == pytest.approx(2)


def test_nll_is_minus_the_log_of_the_softmax_at_the_label():
    logits, labels = example()
    p = scipy.special.softmax(logits, axis=1)
    slow = -np.mean([np.log(row[y]) for row, y in zip(p, labels, strict=True)])
    assert calibration.nll(logits, labels) == pytest.approx(slow)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_best_temperature_finds_the_one_that_was_hidden(temperature):
    logits, labels = example(n=20_000)
    best = calibration.best_temperature(logits * temperature, labels)
    assert best == pytest.approx(temperature, rel=0.05)
    around = [calibration.nll(logits * temperature / t, labels) for t in grid(best)]
    assert min(around) == around[2]


def grid(temperature):
    return temperature * np.array([0.9, 0.99, 1, 1.01, 1.1])


def test_reliability_bins_hold_every_example_once_and_give_the_ece():
    logits, labels = example()
    bins = calibration.reliability(logits, labels, bins=7)
    assert bins.counts.sum() == 400
    full = bins.counts > 0
    gaps = np.abs(bins.confidence - bins.accuracy)[full]
    ece = np.sum(gaps * bins.counts[full]) / 400
    assert ece == pytest.approx(
        expected_calibration_error(logits, labels, bins=7), abs=1e-5
    )
    inside = (bins.confidence >= bins.edges[:-1]) & (bins.confidence <= bins.edges[1:])
    assert inside[full].all()


def test_certainty_stands_in_the_last_bin():
    bins = calibration.reliability(1000 * np.eye(3), np.arange(3))
    assert bins.counts[-1] == bins.counts.sum() == 3
    assert bins.accuracy[-1] == bins.confidence[-1] == 1


def test_the_gaps_of_the_examples_sum_to_the_ece():
    logits, labels = example()
    gaps = calibration.bin_gaps(logits, labels, bins=9)
    assert (np.count_nonzero(gaps, axis=1) <= 1).all()
    ece = np.abs(gaps.mean(axis=0)).sum()
    assert ece == pytest.approx(slow_error(logits, labels, 9), abs=1e-12)


def test_resampled_errors_are_the_errors_of_resamples():
    logits, labels = example(n=60)
    rows = np.random.default_rng(1).integers(0, 60, [5, 60])
    counts = np.stack([np.bincount(some, minlength=60) for some in rows])
    fast = calibration.resampled_errors(calibration.bin_gaps(logits, labels), counts)
    slow = [slow_error(logits[some], labels[some], 20) for some in rows]
    assert fast == pytest.approx(slow, abs=1e-12)


def test_labels_are_drawn_as_often_as_their_probabilities_say():
    logits = np.log([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-30]])
    drawn = np.array(calibration.draw_labels(logits, 4000, seed=1))
    shares = [np.bincount(column, minlength=3) / 4000 for column in drawn.T]
    np.testing.assert_allclose(shares, np.exp(logits), atol=0.03)


def test_errors_by_chance_are_those_of_drawn_labels():
    logits, _ = example(n=300)
    fast = calibration.errors_by_chance(logits, 200)
    drawn = calibration.draw_labels(logits, 200)
    slow = [expected_calibration_error(logits, labels) for labels in drawn]
    for share in (0.1, 0.5, 0.9):
        ends = np.quantile(fast, share), np.quantile(slow, share)
        assert ends[0] == pytest.approx(ends[1], rel=0.15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_temperature_is_best_for_logits_that_are_not_finite(value):
    logits = np.array([[0.0, 1.0], [2.0, 0.0], [value, 0.0]])
    assert np.isnan(calibration.best_temperature(logits, [1, 0, 0]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_error_is_a_number_for_logits_that_are_not_finite(value):
    logits = np.array([[0.0, 1.0], [2.0, 0.0], [value, 0.0]])
    assert np.isnan(expected_calibration_error(logits, [1, 0, 0]))


MEASURES = {
    "ece": expected_calibration_error,
    "adaptive": calibration.adaptive_calibration_error,
    "brier": calibration.brier,
    "nll": calibration.nll,
    "temperature": calibration.best_temperature,
    "gaps": calibration.bin_gaps,
    "murphy": brier_decomposition.decompose_brier,
    "classwise": classwise_calibration.classwise_calibration_error,
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_column_of_labels_is_measured_as_a_row(measure):
    logits, labels = example()
    expected = measure(logits, labels)
    for same in (labels[:, None], labels.astype("float32"), labels.astype("uint8")):
        np.testing.assert_array_equal(measure(logits, same), expected)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda labels: np.where(labels == 1, -1, labels), "labels hold -1; give"),
        (lambda labels: labels + 1, "labels hold 5; .* 0 to 4"),
        (lambda labels: labels + 0.5, "labels hold [0-4].5"),
        (lambda labels: labels[:-1], r"shape \[399\]; .* each of 400 rows"),
        (lambda labels: np.eye(5)[labels], r"shape \[400, 5\]"),
    ],
)
def test_what_are_no_class_numbers_is_refused(measure, wrong, says):
    logits, labels = example()
    with pytest.raises(InputError, match=f"^labels.*{says}|^{says}"):
        measure(logits, wrong(labels))
