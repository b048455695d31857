import matplotlib.figure
import pytest

from jem_tf.figures import panels


@pytest.mark.parametrize("used", range(1, 9))
def test_the_lowest_panel_of_each_column_has_numbers_and_no_spare_one_shows(used):
    columns = min(4, used)
    figure = matplotlib.figure.Figure()
    grid = figure.subplots(-(-used // columns), columns, squeeze=False, sharex=True)
    panels.hide_spare(grid, used)
    assert [axes.get_visible() for axes in grid.flat].count(True) == used
    for column in grid.T:
        shown = [axes for axes in column if axes.get_visible()]
        assert shown[-1].xaxis.get_tick_params()["labelbottom"]
