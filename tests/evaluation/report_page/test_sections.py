import pytest

from jem_tf.evaluation.report_page import sections
from jem_tf.evaluation.report_page.run_results import Result
from tests.evaluation.report_page.pages import Page, make_run, put_figure

METRICS = {
    "zzz": 0.125,
    "ece": 0.0625,
    "auroc/my-set/zscore": 0.75,
    "auroc/my-set/log_px": 0.875,
    "odd/a/b/c": 3,
}


def section(metrics=METRICS, figures=None, stale=()):
    result = Result(metrics, {"seed": "<1>"}, figures or {}, [*stale])
    return sections.render_section("ood", "Outliers: what?", {"this run": result})


def test_known_keys_have_names_and_unknown_ones_survive_with_their_numbers():
    page = Page(section())
    for shown in ("zzz", "0.125", "my-set", "zscore", "0.75", "odd", "a/b", "c", "3"):
        assert shown in page.texts, shown
    assert "Expected calibration error (ECE)" in page.texts
    assert "ece" not in page.texts
    assert "log p(x)" in page.texts


@pytest.mark.parametrize(
    "identity", ["ood", "ood-numbers", "ood-auroc", "ood-protocol"]
)
def test_sentences_can_link_to_tables(identity):
    assert identity in Page(section()).ids


def test_stale_figures_are_named_and_not_shown(tmp_path):
    run = make_run(tmp_path)
    shown = {"groups": put_figure(run, "ood_groups")}
    put_figure(run, "ood_old")
    page = Page(section(figures=shown, stale=["old"]))
    assert len(page.sources) == 1
    assert "OpenOOD's groups, by score" in page.texts
    assert "Not shown, as they are of another evaluation: old (this run)." in page.text


def test_the_protocol_is_told():
    assert '"seed": "<1>"' in Page(section()).text
