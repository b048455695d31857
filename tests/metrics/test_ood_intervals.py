import numpy as np
import pytest
import scipy.special
import scipy.stats

from jem_tf.metrics import intervals, ood, ood_intervals
from jem_tf.metrics.ood import auroc


def sampled(inside, outside, **kw):
    names = ("aupr", "fpr95", "aupr_out", "fpr95_out")
    known = {name: getattr(ood, name)(inside, outside) for name in names}
    return ood_intervals.sampled_intervals(inside, outside, known, **kw)


def scores(seed=0, n=300, m=200):
    generator = np.random.default_rng(seed)
    return generator.normal(1, 1, n), generator.normal(0, 1, m)


def test_the_interval_of_auroc_holds_the_truth_as_often_as_it_says():
    truth = scipy.stats.norm.cdf(1 / np.sqrt(2))
    held = [low <= truth <= high for low, high in map(interval, range(400))]
    assert 0.92 < np.mean(held) < 0.98


def interval(seed):
    return ood_intervals.auroc_interval(*scores(seed, 80, 60))


@pytest.mark.parametrize(("n", "shift"), [(20, 2.5), (20, 3.3), (50, 3.3), (300, 4.4)])
def test_it_does_so_where_the_sets_hardly_overlap(n, shift):
    truth = scipy.stats.norm.cdf(shift / np.sqrt(2))
    held = []
    for seed in range(400):
        generator = np.random.default_rng([seed, n])
        inside, outside = generator.normal(shift, 1, n), generator.normal(0, 1, n)
        low, high = ood_intervals.auroc_interval(inside, outside)
        held.append(low <= truth <= high)
    assert np.mean(held) > 0.9


def test_sets_that_separate_prove_as_much_as_their_pairs():
    low, high = ood_intervals.auroc_interval([1, 2], [-1, 0, -2])
    assert (low**2, high) == (pytest.approx(0.025), 1.0)  # two pairs, both right
    assert ood_intervals.auroc_interval([-1, 0], [1, 2]) == [0.0, 1 - low]


@pytest.mark.parametrize("n", [20, 10_000])
@pytest.mark.parametrize("side", [1, -1])
def test_one_wrong_pair_makes_no_surer_than_none(n, side):
    inside, outside = np.arange(n) + n, np.arange(n)
    best = ood_intervals.auroc_interval(side * inside, side * outside)
    inside[0], outside[-1] = outside[-1], inside[0]
    almost = ood_intervals.auroc_interval(side * inside, side * outside)
    assert almost[0] <= best[0] + 1e-12 if side == 1 else almost[1] >= best[1] - 1e-12


def test_rates_of_sets_that_separate_are_as_sure_as_their_number():
    ends = sampled(np.arange(20.0) + 30, np.arange(15.0))
    assert ends["fpr95"] == [0.0, intervals.proportion(0, 15)[1]]
    assert ends["fpr95_out"] == [0.0, intervals.proportion(0, 20)[1]]
    assert ends["aupr"] == ends["aupr_out"] == [1.0, 1.0]
    ends = sampled(np.arange(20.0), np.arange(15.0) + 30)
    assert ends["fpr95"] == [intervals.proportion(15, 15)[0], 1.0]


def test_the_interval_lies_round_the_auroc():
    inside, outside = scores()
    middle = scipy.special.logit(ood_intervals.auroc_interval(inside, outside)).mean()
    assert scipy.special.expit(middle) == pytest.approx(auroc(inside, outside))
    assert ood_intervals.auroc_interval([1.0], outside) == [
        0.0,
        1.0,
    ]  # one tells nothing


@pytest.mark.parametrize("levels", [None, 3])
def test_the_sampled_intervals_are_those_of_the_slow_way(levels):
    inside, outside = scores(n=90, m=70)
    if levels:
        inside, outside = np.round(inside * levels), np.round(outside * levels)
    ends = sampled(inside, outside, seed=3)
    for name in ("aupr", "fpr95", "aupr_out", "fpr95_out"):
        slow = intervals.bootstrap(getattr(ood, name), inside, outside, seed=3)
        assert ends[name] == pytest.approx(slow, abs=1e-12)


def test_the_interval_of_a_mean_auroc_is_that_of_resampled_means():
    inside, near = scores(n=120, m=80)
    far = np.random.default_rng(9).normal(-0.5, 1, 150)
    both = np.stack([inside, inside + near[:1]])  # one score moved by a constant
    low, high = ood_intervals.mean_auroc_interval(both, [near + near[:1], far])
    areas = [auroc(both[0], near + near[:1]), auroc(both[1], far)]
    middle = scipy.special.logit([low, high]).mean()
    assert scipy.special.expit(middle) == pytest.approx(np.mean(areas))
    generator, means = np.random.default_rng(0), []
    for _ in range(1500):
        some = generator.integers(0, 120, 120)
        outside = [generator.choice(x, len(x)) for x in (near + near[:1], far)]
        pairs = zip(both[:, some], outside, strict=True)
        means.append(np.mean([np.mean(a[:, None] > b) for a, b in pairs]))
    assert high - low == pytest.approx(2 * 1.96 * np.std(means), rel=0.08)


def test_the_mean_over_one_set_has_the_interval_of_its_auroc():
    inside, outside = scores()
    single = ood_intervals.mean_auroc_interval([inside], [outside])
    assert single == ood_intervals.auroc_interval(inside, outside)
    twice = ood_intervals.mean_auroc_interval([inside] * 2, [outside, [1.0]])
    assert twice == [0.0, 1.0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_where_a_score_is_not_finite_no_end_is(wrong):
    one, other = [0.5, 0.1, 0.7], [0.2, wrong]
    for inside, outside in ((one, other), (other, one)):
        ends = [ood_intervals.auroc_interval(inside, outside)]
        ends += sampled(inside, outside).values()
        assert np.isnan(ends).all()
