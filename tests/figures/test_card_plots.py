import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from jem_tf.figures import card_plots
from jem_tf.figures.card_plots import Estimate


def test_rows_have_a_point_for_each_series_that_has_one():
    series = {
        "one": [Estimate(0.5, 0.4, 0.7), None],
        "two": [None, Estimate(0.9, 0.9, 0.9)],
    }
    (axes,) = card_plots.rows(["a", "$b"], series, "AUROC", 0.5).axes
    points = [container.lines[0] for container in axes.containers]
    assert [list(line.get_xdata()) for line in points] == [[0.5], [0.9]]
    assert [round(float(line.get_ydata()[0])) for line in points] == [0, 1]
    (bar,) = axes.containers[0].lines[2]
    np.testing.assert_allclose(bar.get_segments()[0][:, 0], [0.4, 0.7])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "$b"]


def test_curves_show_their_numbers_and_chance():
    points = [(0.0, Estimate(1.0, 0.9, 1.0)), (2.0, Estimate(0.2, 0.1, 0.4))]
    lines = {"x": [*points, (3.0, Estimate(0.1, 0.0, 0.2))]}
    (axes,) = card_plots.curves(lines, "radius", 0.1).axes
    curve, chance = axes.lines
    np.testing.assert_array_equal(curve.get_xydata(), [[0, 1], [2, 0.2], [3, 0.1]])
    assert set(chance.get_ydata()) == {0.1}


def test_two_points_are_not_joined_by_a_line():
    points = [(0.0, Estimate(1.0, 0.9, 1.0)), (8.0, Estimate(0.2, 0.1, 0.4))]
    (axes,) = card_plots.curves({"x": points}, "radius", 0.1).axes
    (drawn,) = axes.containers
    assert drawn.lines[0].get_linestyle() == "None"
    np.testing.assert_array_equal(drawn.lines[0].get_xydata(), [[0, 1], [8, 0.2]])
    (bars,) = drawn.lines[2]
    np.testing.assert_allclose(bars.get_segments()[1][:, 1], [0.1, 0.4])


def test_every_curve_is_drawn_and_told_apart():
    points = [(x, Estimate(0.5, 0.4, 0.6)) for x in (0.0, 1.0, 2.0)]
    figure = card_plots.curves({str(i): points for i in range(8)}, "radius", 0.1)
    *curves, _ = figure.axes[0].lines
    assert len({(curve.get_color(), curve.get_marker()) for curve in curves}) == 8
    assert len({curve.get_color() for curve in curves}) == 6
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == [*"01234567", "accuracy by chance"]


@pytest.mark.parametrize("name", ["JEM", "JEM-10, AutoAttack, small radii"])
def test_a_legend_lies_within_the_picture(name):
    points = [(x, Estimate(0.5, 0.4, 0.6)) for x in (0.0, 1.0, 2.0)]
    figure = card_plots.curves({name: points, f"{name}.": points}, "radius", 0.1)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = figure.legends[0].get_window_extent(canvas.get_renderer())
    assert drawn.x0 >= 0
    assert drawn.x1 <= figure.bbox.x1
