import numpy as np
import pytest
import scipy.stats

from jem_tf.metrics import intervals, ood
from jem_tf.metrics.ood import auroc


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


def test_the_interval_lies_round_the_auroc():
    inside, outside = scores()
    low, high = ood.auroc_interval(inside, outside)
    assert (low + high) / 2 == pytest.approx(auroc(inside, outside))
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
    ends = ood.sampled_intervals(inside, outside, seed=3)
    for name in ("aupr", "fpr95"):
        slow = intervals.bootstrap(getattr(ood, name), inside, outside, seed=3)
        assert ends[name] == pytest.approx(slow, abs=1e-12)
