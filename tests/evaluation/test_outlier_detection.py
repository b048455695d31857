import numpy as np
import pytest

from jem_tf import jem, networks, ood_scores
from jem_tf.evaluation import outlier_detection
from jem_tf.evaluation.scorer import Scorer
from jem_tf.metrics.ood import aupr, aupr_out, auroc, fpr95, fpr95_out
from jem_tf.ood_scores.interface import Known, Labelled

NAMES = ["log_px", "max_p", "approximate_mass", "energy", "knn"]
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
def measured(scorer):
    return outlier_detection.evaluate_outliers(scorer, TEST, SETS, names=NAMES)


@pytest.fixture(scope="module")
def scorer(model):
    scorer = Scorer(model, {"energy/temperature": np.float32(2)})
    train = scorer.outputs(TEST, ["knn"])
    labels = np.zeros(len(TEST), int)
    known = Known(train=Labelled(train, labels))
    scorer.state = scorer.state | ood_scores.fit(known, ["knn"])
    return scorer


def test_each_number_is_of_its_set_and_score(scorer, measured):
    metrics, _ = measured
    inside = scorer.scores(TEST, NAMES)
    for short, name in (("dark", "folder:/data/dark"), ("uniform", "uniform")):
        outside = scorer.scores(SETS[name], NAMES)
        for score in NAMES:
            for measure in (auroc, aupr, aupr_out, fpr95, fpr95_out):
                key = f"{measure.__name__}/{short}/{score}"
                assert metrics[key] == measure(inside[score], outside[score])
                low, high = metrics[f"{key}_ci"]
                assert low <= metrics[key] <= high


def test_the_means_of_log_px_are_there_to_compare(model, measured):
    metrics, _ = measured
    logits = model.logits(TEST / np.float32(127.5) - 1).numpy()
    expected = np.log(np.exp(logits).sum(1)).mean()
    assert metrics["log_px/test"] == pytest.approx(expected, rel=1e-5)
    assert {"log_px/dark", "log_px/uniform"} < set(metrics)


def test_the_histogram_has_a_panel_a_set(measured):
    _, figures = measured
    assert list(figures) == [ood_scores.DEFAULTS[-1], "log_px"]
    for figure in figures.values():
        assert [axes.get_title() for axes in figure.axes] == ["dark", "uniform"]


def test_a_score_that_is_not_finite_is_said_and_hides_no_other(scorer, capfd):
    class Broken:
        names = NAMES

        def scores(self, images, names, progress=""):
            scores = scorer.scores(images, names)
            if progress == "uniform":
                scores["knn"][0] = -np.inf
            return scores

    metrics, _ = outlier_detection.evaluate_outliers(Broken(), TEST, SETS, names=NAMES)
    wrong = [key for key, value in metrics.items() if np.isnan(value).any()]
    assert wrong
    assert all("uniform/knn" in key for key in wrong)
    assert "uniform/knn: some scores are not finite" in capfd.readouterr().out


def test_the_served_score_has_the_first_histogram(scorer):
    _, figures = outlier_detection.evaluate_outliers(
        scorer, TEST, SETS, names=NAMES, served="knn"
    )
    assert list(figures) == ["knn", "log_px"]


def test_the_positives_have_a_key_that_no_set_takes(scorer):
    sets = {"folder:/data/validation": SETS["uniform"]}
    metrics, _ = outlier_detection.evaluate_outliers(
        scorer, TEST, sets, names=["log_px"], positives="validation"
    )
    keys = {key for key in metrics if key.startswith("log_px/")}
    assert keys == {"log_px/validation", "log_px/data-validation"}


def test_groups_come_first_and_are_of_their_sets(scorer, measured):
    metrics, figures = outlier_detection.evaluate_outliers(
        scorer,
        TEST,
        SETS,
        names=NAMES,
        groups={"near": ["folder:/data/dark"], "far": ["uniform"]},
    )
    assert next(iter(metrics)).startswith("openood/log_px/near_auroc")
    assert set(figures) == {"groups", *measured[1]}
    for group, key in (("near", "dark"), ("far", "uniform")):
        assert (
            metrics[f"openood/knn/{group}_aupr_out"]
            == measured[0][f"aupr_out/{key}/knn"]
        )
    assert measured[0].items() <= metrics.items()
