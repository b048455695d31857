import numpy as np
import pytest

from jem_tf.metrics import ood
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


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, None])
def test_where_a_score_is_not_finite_or_there_is_none_no_measure_is(wrong):
    one, other = [0.5, 0.1, 0.7], [] if wrong is None else [0.2, wrong]
    for inside, outside in ((one, other), (other, one)):
        measures = (ood.auroc, ood.aupr, ood.fpr95, ood.aupr_out, ood.fpr95_out)
        values = [measure(inside, outside) for measure in measures]
        assert np.isnan(values).all()
