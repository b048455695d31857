import numpy as np
import pytest

from jem_tf import jem, networks
from jem_tf.evaluation import ood_scores, outlier_detection
from jem_tf.metrics.ood import aupr, auroc, fpr95

SHAPE = (8, 8, 1)
GENERATOR = np.random.default_rng(0)
TEST = GENERATOR.integers(0, 256, [40, *SHAPE], "uint8")
SETS = {
    "folder:/data/dark": GENERATOR.integers(0, 60, [30, *SHAPE], "uint8"),
    "uniform": GENERATOR.uniform(-1, 1, [20, *SHAPE]).astype("float32"),
}


@pytest.fixture(scope="module")
def model():
    return jem.JEM(networks.build("convnet-8", SHAPE, 4, seed=1), p_x_weight=0.0)


@pytest.fixture(scope="module")
def measured(model):
    return outlier_detection.evaluate_outliers(model, TEST, SETS, temperature=2.0)


def scores_of(model, images):
    outputs = ood_scores.compute_outputs(model, images)
    return ood_scores.all_scores(outputs, temperature=2.0)


def test_each_number_is_of_its_set_and_score(model, measured):
    metrics, _ = measured
    inside = scores_of(model, TEST)
    for short, name in (("dark", "folder:/data/dark"), ("uniform", "uniform")):
        outside = scores_of(model, SETS[name])
        for score in ("log_px", "max_p", "approximate_mass", "energy"):
            for measure in (auroc, aupr, fpr95):
                key = f"{measure.__name__}/{short}/{score}"
                assert metrics[key] == measure(inside[score], outside[score])
                low, high = metrics[f"{key}_ci"]
                assert low <= metrics[key] <= high


def test_the_means_of_log_px_are_there_to_compare(model, measured):
    metrics, _ = measured
    logits = ood_scores.compute_outputs(model, TEST).logits
    expected = np.log(np.exp(logits).sum(1)).mean()
    assert metrics["log_px/test"] == pytest.approx(expected, rel=1e-5)
    assert {"log_px/dark", "log_px/uniform"} < set(metrics)


def test_the_histogram_has_a_panel_a_set(measured):
    _, figures = measured
    titles = [axes.get_title() for axes in figures["log_px"].axes]
    assert titles == ["dark", "uniform"]
