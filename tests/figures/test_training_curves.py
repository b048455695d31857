import numpy as np
import pytest

from jem_tf.figures import training_curves


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_quantity_has_a_panel_with_its_lines(count):
    curves = {f"panel {i}": {"a": [(1, 2.0), (3, float(i))]} for i in range(count)}
    figure = training_curves.panels(curves, "step")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == list(curves)
    for i, axes in enumerate(shown):
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 2], [3, i]])
