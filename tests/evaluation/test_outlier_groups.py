import numpy as np
import pytest

from jem_tf.evaluation import outlier_groups
from jem_tf.metrics import ood, ood_intervals

GENERATOR = np.random.default_rng(0)
INSIDE = {name: GENERATOR.normal(1, 1, 50) for name in ("max_p", "approximate_mass")}
OUTSIDE = {
    key: {name: GENERATOR.normal(shift, 1, 40 + i) for name in INSIDE}
    for i, (key, shift) in enumerate({"birds": 0.5, "dots": -1, "svhn": -2}.items())
}
METRICS = {
    f"{measure}/{key}/{name}": getattr(ood, measure)(INSIDE[name], outside[name])
    for measure in outlier_groups.MEASURES
    for key, outside in OUTSIDE.items()
    for name in INSIDE
}
GROUPS = {"near": ["birds"], "far": ["dots", "svhn"], "nowhere": []}


@pytest.fixture(scope="module")
def measured():
    return outlier_groups.evaluate_groups(METRICS, INSIDE, OUTSIDE, GROUPS)


def test_a_groups_number_is_the_mean_over_its_sets(measured):
    table, _ = measured
    for name in INSIDE:
        for measure in outlier_groups.MEASURES:
            of_set = {key: METRICS[f"{measure}/{key}/{name}"] for key in OUTSIDE}
            near, far = (
                table[f"openood/{name}/{group}_{measure}"] for group in ("near", "far")
            )
            assert near == of_set["birds"]
            assert far == pytest.approx((of_set["dots"] + of_set["svhn"]) / 2)
        for group in ("near", "far"):
            low, high = table[f"openood/{name}/{group}_auroc_ci"]
            middle = table[f"openood/{name}/{group}_auroc"]
            assert (low + min(high, 2 * middle - low)) / 2 == pytest.approx(
                middle, abs=0.02
            )
        one = table[f"openood/{name}/near_auroc_ci"]
        assert one == ood_intervals.auroc_interval(INSIDE[name], OUTSIDE["birds"][name])


def test_the_table_has_what_each_score_costs_and_no_group_without_a_set(measured):
    table, figures = measured
    assert not [key for key in table if "nowhere" in key]
    for name, backward in (("max_p", 0), ("approximate_mass", 1)):
        assert table[f"openood/{name}/forward_passes"] == 1
        assert table[f"openood/{name}/backward_passes"] == backward
    (axes,) = figures["groups"].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [*INSIDE]
    assert len(axes.containers) == 2
