import numpy as np
import pytest

from jem_tf.figures import calibration_plots
from jem_tf.metrics import classwise_calibration
from tests.metrics.test_calibration import example


def numbers(first, *names):
    mean = np.linspace(first, 0.5, 6)
    ends = np.stack([mean - 0.1, mean + 0.1], axis=1)
    lines = {name: mean + 0.01 * i for i, name in enumerate(names)}
    return calibration_plots.BySeverity(mean, ends, lines)


def test_every_number_has_a_panel_with_a_line_for_each_corruption_and_their_mean():
    names = [f"kind_{i}" for i in range(9)]
    panels = {key: numbers(0.9, *names) for key in calibration_plots.TITLES}
    figure = calibration_plots.shift(panels)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["accuracy", "ECE", "ECE, temperature-scaled"]
    for axes in figure.axes:
        assert len(axes.lines) == 10
        mean = axes.lines[0]
        assert mean.get_ydata() == pytest.approx(np.linspace(0.9, 0.5, 6))
        assert mean.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
        looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
        assert len(looks) == 10  # no two lines look alike
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["mean", *(name.replace("_", " ") for name in names)]


def test_the_errors_share_a_scale_that_holds_the_largest():
    panels = {
        "accuracy": numbers(0.9, "snow"),
        "ece": numbers(0.1, "snow"),
        "ece_temperature_scaled": numbers(0.7, "snow"),
    }
    _, ece, scaled = calibration_plots.shift(panels).axes
    assert ece.get_ylim() == scaled.get_ylim()
    assert ece.get_ylim()[1] > 0.7


@pytest.mark.parametrize("classes", [2, 7])
def test_every_class_has_its_diagram(classes):
    logits, labels = example(classes=classes)
    diagrams = classwise_calibration.class_reliability(logits, labels)
    names = [f"class {y}" for y in range(classes)]
    figure = calibration_plots.reliability_by_class(diagrams, [0.1] * classes, names)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == names
    for axes, bins in zip(panels, diagrams, strict=True):
        full = bins.counts > 0
        _, curve = axes.lines
        assert curve.get_xdata() == pytest.approx(bins.confidence[full])
        assert curve.get_ydata() == pytest.approx(bins.accuracy[full])
        assert axes.texts[0].get_text() == "ECE 10.00%"
