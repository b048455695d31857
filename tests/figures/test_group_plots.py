import pytest

from jem_tf.figures import group_plots
from jem_tf.figures.group_plots import Point


def test_a_thing_has_a_row_and_a_point_with_its_interval_in_every_group():
    groups = {
        "near": {"max_p": Point(0.8, [0.7, 0.85]), "knn": Point(0.9, [0.88, 0.95])},
        "far": {"max_p": Point(0.3, [0.2, 0.4]), "knn": Point(0.5, [0.5, 0.5])},
    }
    figure = group_plots.points(groups, "AUROC")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["max_p", "knn"]
    assert axes.get_xlabel() == "AUROC"
    assert axes.get_xlim()[0] < 0.2  # the lowest end is in the picture
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*groups]
    for drawn, numbers in zip(axes.containers, groups.values(), strict=True):
        points, _, (bars,) = drawn
        assert points.get_xdata().tolist() == [p.value for p in numbers.values()]
        for bar, point in zip(bars.get_segments(), numbers.values(), strict=True):
            assert bar[:, 0] == pytest.approx(point.interval)
