import numpy as np
import pytest

from jem_tf.metrics import intervals


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


def test_counts_of_resamples_are_those_of_the_bootstrap():
    sample = np.random.default_rng(0).normal(size=40)
    counts = intervals.resample_counts(40, seed=3)
    assert (counts.sum(axis=1) == 40).all()
    means = counts @ sample / 40
    slow = intervals.bootstrap(np.mean, sample, seed=3)
    assert intervals.percentile_interval(means) == pytest.approx(slow, abs=1e-6)
