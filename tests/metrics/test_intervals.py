import math

import numpy as np
import pytest

from jem_tf.metrics import calibration, classwise_calibration, intervals


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (7, 10), (10, 10), (930, 1000)])
def test_a_proportions_interval_solves_wilsons_equation(hits, n):
    share, z = hits / n, 1.959963984540054
    for end in intervals.proportion(hits, n):
        assert (share - end) ** 2 == pytest.approx(z**2 * end * (1 - end) / n, abs=1e-9)


def test_the_bootstrap_of_a_mean_is_the_normal_interval():
    sample = np.random.default_rng(0).normal(3, 2, 4000)
    low, high = intervals.bootstrap(np.mean, sample)
    half = 1.96 * sample.std() / np.sqrt(4000)
    assert low == pytest.approx(sample.mean() - half, abs=half / 4)
    assert high == pytest.approx(sample.mean() + half, abs=half / 4)


def test_samples_are_drawn_apart_and_seeds_tell():
    first, second = np.arange(50.0), np.arange(30.0)

    def difference(a, b):
        assert (len(a), len(b)) == (50, 30)
        return a.mean() - b.mean()

    ends = intervals.bootstrap(difference, first, second)
    assert ends == intervals.bootstrap(difference, first, second)
    assert ends != intervals.bootstrap(difference, first, second, seed=1)
    deviation = np.sqrt(first.var() / 50 + second.var() / 30)
    assert ends[1] - ends[0] == pytest.approx(2 * 1.96 * deviation, rel=0.2)


def test_a_basic_interval_takes_the_bias_off_that_percentiles_have_twice():
    """|mean|^2 of N points in D dimensions is too large by D / N on average."""
    truth, kinds = 50 * 0.1**2, {"basic": 0, "percentile": 0}
    for seed in range(40):
        points = np.random.default_rng(seed).normal(0.1, size=[100, 50])

        def length(x):
            return float((x.mean(axis=0) ** 2).sum())

        resampled = intervals.resample(length, points)
        basic = intervals.basic_interval(length(points), resampled)
        ends = {"basic": basic, "percentile": intervals.percentile_interval(resampled)}
        for kind, (low, high) in ends.items():
            kinds[kind] += low <= truth <= high
    assert kinds["percentile"] == 0
    assert kinds["basic"] >= 34


def test_a_basic_interval_is_not_below_zero_unless_its_number_may_be():
    low, high = intervals.basic_interval(0.01, [0.01, 0.02, 0.03])
    assert (low, high) == (0.0, pytest.approx(0.02 - 0.0105))
    values = [-0.03, -0.02, -0.01]
    ends = intervals.basic_interval(-0.02, values, lowest=-math.inf)
    assert ends == pytest.approx([-0.0295, -0.0105])


def low_end(measure, seed):
    """Of the interval of an error of 400 labels that were drawn from p(y|x)."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, [400, 5])
    (labels,) = calibration.draw_labels(logits, 1, seed=seed + 1)
    resampled = intervals.resample(
        lambda i: measure(logits[i], labels[i]), np.arange(400)
    )
    chance = [measure(logits, drawn) for drawn in calibration.draw_labels(logits, 100)]
    value = measure(logits, labels)
    return intervals.basic_interval(value, resampled, by_chance=chance)[0]


def ece(logits, labels):
    return float(np.abs(calibration.bin_gaps(logits, labels).mean(axis=0)).sum())


@pytest.mark.parametrize(
    "measure", [ece, classwise_calibration.classwise_calibration_error]
)
def test_an_error_that_is_chance_alone_may_be_none(measure):
    """Without `by_chance` the interval is above 0: always, of the class-wise one."""
    assert sum(low_end(measure, seed) == 0 for seed in range(20)) >= 18


def test_a_share_of_none_or_all_may_be_another_and_one_between_is_left_alone():
    assert intervals.widen_share(0.0, 40, [0.0, 0.0]) == intervals.proportion(0, 40)
    assert intervals.widen_share(1.0, 40, [0.8, 1.0]) == [0.8, 1.0]
    assert intervals.widen_share(0.5, 40, [0.4, 0.6]) == [0.4, 0.6]


def test_an_interval_of_nan_is_nan():
    assert np.isnan(intervals.basic_interval(math.nan, [math.nan] * 3)).all()


def test_counts_of_resamples_are_those_of_the_bootstrap():
    sample = np.random.default_rng(0).normal(size=40)
    counts = intervals.resample_counts(40, seed=3)
    assert (counts.sum(axis=1) == 40).all()
    means = counts @ sample / 40
    slow = intervals.bootstrap(np.mean, sample, seed=3)
    assert intervals.percentile_interval(means) == pytest.approx(slow, abs=1e-6)
