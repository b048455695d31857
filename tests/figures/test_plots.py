import numpy as np
import pytest
from matplotlib.colors import same_color
from PIL import Image

from jem_tf import figures
from jem_tf.figures import plots
from jem_tf.metrics import calibration


def walk(n=5, steps=40):
    return np.random.default_rng(0).normal(size=[steps, n]).cumsum(axis=0)


def test_a_plot_of_lines_has_ink_of_the_lines_and_of_their_mean(tmp_path):
    figures.save_plot(
        tmp_path / "lines.png",
        plots.lines(walk(), "step", "E(x), nats", "a chain"),
    )
    with Image.open(tmp_path / "lines.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape == (720, 1280, 3)
    red, _, blue = np.moveaxis(pixels, -1, 0)
    assert np.mean(pixels.min(axis=-1) > 250) > 0.7  # paper
    assert np.sum(blue - red > 30) > 1000  # lines
    assert np.sum(pixels.max(axis=-1) < 50) > 1000  # their mean, and the words


def test_a_plot_is_the_same_for_the_same_lines_and_another_for_others(tmp_path):
    plotted = []
    for name, lines in (("a", walk()), ("b", walk()), ("c", -walk())):
        figures.save_plot(tmp_path / name, plots.lines(lines, "step", "E", "a chain"))
        with Image.open(tmp_path / name) as picture:
            plotted.append(np.asarray(picture))
    np.testing.assert_array_equal(plotted[0], plotted[1])
    assert (plotted[0] != plotted[2]).any()


def bins_of_confidence():
    generator = np.random.default_rng(0)
    logits, labels = 2 * generator.normal(size=[300, 3]), generator.integers(0, 3, 300)
    return calibration.reliability(logits, labels, bins=20), logits, labels


def test_a_reliability_diagram_shows_accuracies_and_gaps_up_to_the_confidence():
    bins, *_ = bins_of_confidence()
    full = bins.counts > 0
    assert not full.all()  # empty bins have no bar
    (axes,) = plots.reliability_diagram(bins, 0.125).axes
    accuracy, gap = axes.containers
    assert [bar.get_height() for bar in accuracy] == bins.accuracy[full].tolist()
    assert [bar.get_x() for bar in accuracy] == bins.edges[:-1][full].tolist()
    ends = [bar.get_y() + bar.get_height() for bar in gap]
    assert ends == pytest.approx(bins.confidence[full].tolist())
    assert axes.get_title() == "ECE 12.50%"


def test_a_confidence_histogram_sums_to_one_and_marks_its_mean_and_the_accuracy():
    bins, logits, labels = bins_of_confidence()
    (axes,) = plots.confidence_histogram(bins, 0.25).axes
    assert sum(bar.get_height() for bar in axes.containers[0]) == pytest.approx(1)
    confidence, _ = calibration.confidences(logits, labels)
    marks = [line.get_xdata()[0] for line in axes.lines]
    assert marks == pytest.approx([0.25, confidence.mean()])


@pytest.mark.parametrize("sets", [1, 3, 5])
def test_every_set_of_outliers_has_a_panel_with_two_densities(sets):
    scores = np.random.default_rng(0).normal(size=[sets + 1, 200])
    outside = {f"set {i}": scores[i] for i in range(sets)}
    figure = plots.histograms(scores[-1], outside, "log p(x)")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == list(outside)
    for axes in panels:
        for bars in axes.containers:
            area = sum(bar.get_width() * bar.get_height() for bar in bars)
            assert area == pytest.approx(1)  # outliers of the score are in the end bins
        assert len(axes.containers) == 2


def test_scores_that_are_all_equal_still_make_a_histogram():
    (axes,) = plots.histograms(np.ones(5), {"set": np.ones(3)}, "log p(x)").axes
    low, high = axes.get_xlim()
    assert low < 1 < high


def curve(group, *, dashed):
    ends = [[0.8, 1.0], [0.3, 0.6]]
    label = f"JEM-{group}{' moved' * dashed}"
    return plots.Curve([0, 8], [0.9, 0.5], ends, label, group, dashed)


def test_curves_of_a_group_share_a_colour_and_only_solid_ones_have_an_interval():
    kinds = [(0, False), (1, False), (0, True), (1, True)]
    curves = [curve(group, dashed=dashed) for group, dashed in kinds]
    figure = plots.accuracy_under_attack({"linf": curves, "l2": curves[:1]})
    assert [axes.get_xlabel() for axes in figure.axes] == list(plots.RADIUS.values())
    solid, other, *dashed = figure.axes[0].lines
    assert [line.get_linestyle() for line in dashed] == ["--", "--"]
    assert same_color(solid.get_color(), dashed[0].get_color())
    assert same_color(other.get_color(), dashed[1].get_color())
    assert not same_color(solid.get_color(), other.get_color())
    bands = figure.axes[0].collections
    assert len(bands) == 2
    assert bands[0].get_datalim(figure.axes[0].transData).intervaly == pytest.approx(
        [0.3, 1.0]
    )


@pytest.mark.filterwarnings("error")
def test_a_score_that_is_not_finite_leaves_the_histograms_of_the_others():
    nan, some = np.full(3, np.nan), np.array([0.0, 1.0, 2.0, np.nan, -np.inf])
    figure = plots.histograms(some, {"some": some, "none": nan}, "score")
    whole, empty = figure.axes
    heights = [patch.get_height() for patch in whole.patches]
    assert np.isfinite(heights).all()
    assert sum(height > 0 for height in heights) >= 6
    assert len(whole.patches) == 2 * len(empty.patches)
