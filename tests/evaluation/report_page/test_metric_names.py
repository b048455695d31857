import pytest

from jem_tf import ood_scores
from jem_tf.evaluation.report_page import metric_names


def test_known_metrics_have_names_units_and_directions():
    name = metric_names.name_metric
    assert name("ece") == ("Expected calibration error (ECE)", "", "lower")
    assert name("nll").unit == "nats"
    assert name("accuracy").better == "higher"
    assert name("nll_temperature_scaled").text.endswith(", temperature-scaled")
    assert name("fid_network").text.startswith("Fréchet Inception distance (FID), ")
    assert name("log_px/svhn").text == "log p(x) + const, mean: SVHN"


@pytest.mark.parametrize("key", ["zzz", "zzz/svhn", "zzz_network", "", "a/b/c"])
def test_an_unknown_key_stands_as_it_is(key):
    assert metric_names.name_metric(key) == (key, "", "")
    assert metric_names.name_row("zzz", key) == key
    assert metric_names.name_figure("ood", "zzz") == "zzz"


def test_rows_and_columns_have_names():
    row, column = metric_names.name_row, metric_names.name_column
    assert row("robust_accuracy", "linf/8") == "L∞ 8/255"
    assert row("robust_accuracy", "l2/0.5") == "L2 0.5"
    assert row("corrupted_ece", "gaussian_noise") == "gaussian noise"
    assert row("openood", "max_p") == "max p(y|x)"
    assert column("auroc", "log_px") == "log p(x)"
    assert column("robust_accuracy", "jem10/full") == "JEM-10, full gradient"
    assert column("broken_by", "jem0/apgd_ce") == "APGD-CE"
    assert column("corrupted_accuracy", "severity_5") == "severity 5"
    assert column("openood", "near_fpr95_out").startswith("near: FPR")


def test_classes_and_sets_of_users_are_not_renamed():
    for name in ("samples", "ece", "full", "log_px", "square", "uniform"):
        assert metric_names.name_row("by_class", name) == name
    assert metric_names.name_row("auroc", "full") == "full"


def test_every_score_has_a_name():
    assert metric_names.SCORES.keys() == ood_scores.SCORES.keys()
