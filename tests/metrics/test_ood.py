import numpy as np
import pytest

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
    found = auroc(inside, outside)
    assert isinstance(found, float)
    assert found == pytest.approx(slow_auroc(inside, outside), abs=1e-12)


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
