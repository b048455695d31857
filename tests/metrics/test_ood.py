import numpy as np
import pytest
import scipy.special
import scipy.stats

from jem_tf.metrics import intervals, ood
from jem_tf.metrics.ood import auroc


def sampled(inside, outside, **kw):
    names = ("aupr", "fpr95", "aupr_out", "fpr95_out")
    known = {name: getattr(ood, name)(inside, outside) for name in names}
    return ood.sampled_intervals(inside, outside, known, **kw)


def slow_auroc(inside, outside):
    """All pairs; ties count half."""
    pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in outside]
    return sum(pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("levels", [2, 10, None])
def test_it_is_the_share_of_pairs_in_the_right_order_ties_half(seed, levels):
    generator = np.random.default_rng(seed)
    inside, outside = generator.normal(0.7, 1, 60), generator.normal(0, 1, 45)
    if levels:
        inside, outside = np.round(inside * levels / 4), np.round(outside * levels / 4)
    area = auroc(inside, outside)
    assert isinstance(area, float)
    assert area == pytest.approx(slow_auroc(inside, outside), abs=1e-12)


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        ([2, 3], [0, 1, 1], 1.0),
        ([0, 1], [2, 3, 4], 0.0),
        ([1, 1], [1, 1, 1], 0.5),
        ([1], [1, 0], 0.75),
        ([1, 3], [2], 0.5),
    ],
)
def test_by_hand(inside, outside, expected):
    assert auroc(inside, outside) == pytest.approx(expected)


def test_only_the_order_of_the_scores_counts():
    generator = np.random.default_rng(0)
    inside, outside = generator.normal(1, 1, 40), generator.normal(0, 1, 40)
    assert auroc(inside, outside) == auroc(np.exp(inside), np.exp(outside))
    assert auroc(inside, outside) == pytest.approx(1 - auroc(outside, inside))
    assert auroc(inside, outside) == pytest.approx(1 - auroc(-inside, -outside))


def scores(seed=0, n=300, m=200):
    generator = np.random.default_rng(seed)
    return generator.normal(1, 1, n), generator.normal(0, 1, m)


def test_the_interval_of_auroc_holds_the_truth_as_often_as_it_says():
    truth = scipy.stats.norm.cdf(1 / np.sqrt(2))
    held = [low <= truth <= high for low, high in map(interval, range(400))]
    assert 0.92 < np.mean(held) < 0.98


def interval(seed):
    return ood.auroc_interval(*scores(seed, 80, 60))


@pytest.mark.parametrize(("n", "shift"), [(20, 2.5), (20, 3.3), (50, 3.3), (300, 4.4)])
def test_it_does_so_where_the_sets_hardly_overlap(n, shift):
    truth = scipy.stats.norm.cdf(shift / np.sqrt(2))
    held = []
    for seed in range(400):
        generator = np.random.default_rng([seed, n])
        inside, outside = generator.normal(shift, 1, n), generator.normal(0, 1, n)
        low, high = ood.auroc_interval(inside, outside)
        held.append(low <= truth <= high)
    assert np.mean(held) > 0.9


def test_sets_that_separate_prove_as_much_as_their_pairs():
    low, high = ood.auroc_interval([1, 2], [-1, 0, -2])
    assert (low**2, high) == (pytest.approx(0.025), 1.0)  # two pairs, both right
    assert ood.auroc_interval([-1, 0], [1, 2]) == [0.0, 1 - low]


@pytest.mark.parametrize("n", [20, 10_000])
@pytest.mark.parametrize("side", [1, -1])
def test_one_wrong_pair_makes_no_surer_than_none(n, side):
    inside, outside = np.arange(n) + n, np.arange(n)
    best = ood.auroc_interval(side * inside, side * outside)
    inside[0], outside[-1] = outside[-1], inside[0]
    almost = ood.auroc_interval(side * inside, side * outside)
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
    middle = scipy.special.logit(ood.auroc_interval(inside, outside)).mean()
    assert scipy.special.expit(middle) == pytest.approx(auroc(inside, outside))
    assert ood.auroc_interval([1.0], outside) == [0.0, 1.0]  # one tells nothing


def test_aupr_is_the_mean_precision_at_each_inside_one():
    inside, outside = scores()
    precision = [
        np.sum(inside >= at) / (np.sum(inside >= at) + np.sum(outside >= at))
        for at in inside
    ]
    assert ood.aupr(inside, outside) == pytest.approx(np.mean(precision))


def test_fpr95_is_the_share_let_in_with_95_of_100_inside():
    inside, outside = scores(n=100)
    threshold = np.sort(inside)[5]  # 95 of 100 are at it or above
    expected = np.mean(outside >= threshold)
    assert ood.fpr95(inside, outside) == pytest.approx(expected)
    assert ood.fpr95(inside, outside - 100) == 0
    assert ood.fpr95(inside, outside + 100) == 1


@pytest.mark.parametrize("levels", [None, 3])
def test_the_sampled_intervals_are_those_of_the_slow_way(levels):
    inside, outside = scores(n=90, m=70)
    if levels:
        inside, outside = np.round(inside * levels), np.round(outside * levels)
    ends = sampled(inside, outside, seed=3)
    for name in ("aupr", "fpr95", "aupr_out", "fpr95_out"):
        slow = intervals.bootstrap(getattr(ood, name), inside, outside, seed=3)
        assert ends[name] == pytest.approx(slow, abs=1e-12)


def test_with_outliers_as_the_positives_precision_is_theirs():
    inside, outside = scores()
    precision = [
        np.sum(outside <= at) / (np.sum(outside <= at) + np.sum(inside <= at))
        for at in outside
    ]
    assert ood.aupr_out(inside, outside) == pytest.approx(np.mean(precision))


def test_fpr95_out_is_the_share_refused_with_95_of_100_outliers():
    inside, outside = scores(m=100)
    threshold = np.sort(outside)[94]  # 95 of 100 are at it or below
    expected = np.mean(inside <= threshold)
    assert ood.fpr95_out(inside, outside) == pytest.approx(expected)
    assert ood.fpr95_out(inside + 100, outside) == 0


def test_by_hand_the_two_ways_differ():
    inside, outside = [1.0, 3.0, 4.0, 5.0], [0.0, 2.0]
    assert ood.aupr(inside, outside) == pytest.approx((1 + 1 + 1 + 4 / 5) / 4)
    assert ood.aupr_out(inside, outside) == pytest.approx((1 + 2 / 3) / 2)
    assert ood.fpr95(inside, outside) == pytest.approx(1 / 2)
    assert ood.fpr95_out(inside, outside) == pytest.approx(1 / 4)


def test_the_interval_of_a_mean_auroc_is_that_of_resampled_means():
    inside, near = scores(n=120, m=80)
    far = np.random.default_rng(9).normal(-0.5, 1, 150)
    both = np.stack([inside, inside + near[:1]])  # one score moved by a constant
    low, high = ood.mean_auroc_interval(both, [near + near[:1], far])
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
    single = ood.mean_auroc_interval([inside], [outside])
    assert single == ood.auroc_interval(inside, outside)
    twice = ood.mean_auroc_interval([inside] * 2, [outside, [1.0]])
    assert twice == [0.0, 1.0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_where_a_score_is_not_finite_no_measure_is(wrong):
    one, other = [0.5, 0.1, 0.7], [0.2, wrong]
    for inside, outside in ((one, other), (other, one)):
        measures = (ood.auroc, ood.aupr, ood.fpr95, ood.aupr_out, ood.fpr95_out)
        values = [measure(inside, outside) for measure in measures]
        values += ood.auroc_interval(inside, outside)
        for ends in sampled(inside, outside).values():
            values += ends
        assert np.isnan(values).all()
