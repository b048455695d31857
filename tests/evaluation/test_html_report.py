import json

import pytest

from jem_tf.errors import InputError
from jem_tf.evaluation import html_report
from jem_tf.runs.run_folder import RunFolder
from tests.evaluation.report_page.pages import CALIBRATION, CIFAR, Page, make_run, put
from tests.evaluation.report_page.test_curves import log
from tests.evaluation.test_findings import (
    FLAT_METRICS,
    FLAT_PROTOCOL,
    example,
    findings,
)


@pytest.fixture
def runs(tmp_path):
    places = {"this run": tmp_path / "a<b", "baseline": tmp_path / "plain"}
    folders = {label: RunFolder(place) for label, place in places.items()}
    for folder in folders.values():
        folder.root.mkdir()
        findings.write_findings(folder, "ood", example(), 7)
    return folders


def test_a_page_has_every_number_and_picture_of_both_runs(runs):
    page = Page(html_report.render_page(runs))
    assert page.texts.count("Expected calibration error (ECE)") == 1
    assert page.texts.count("0.5") == 2
    assert len(page.sources) == 4
    assert "chart: baseline" in page.texts


def test_a_page_shows_no_results_to_choose_by(runs):
    before = html_report.render_page(runs)
    findings.write_findings(runs["this run"], "validation_ood", example(), 7)
    assert html_report.render_page(runs) == before


def test_a_page_loads_nothing_and_escapes_what_it_is_told(runs):
    page = Page(html_report.render_page(runs))
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert any("a<b" in text for text in page.texts)


@pytest.mark.parametrize("name", ["<script>x</script>", "a&lt;b", "'\"", "鳥", "$x$"])
def test_names_of_sets_and_classes_are_read_as_they_are(runs, name):
    metrics = {f"auroc/{name}/log_px": 0.5, f"log_px/{name}": 1.0}
    protocol = {"sets": {name: "pictures"}, "class_names": [name]}
    folder = runs["this run"]
    written = {"metrics": metrics, "protocol": protocol}
    folder.result("ood").write_text(json.dumps(written))
    texts = Page(html_report.render_page(runs)).texts
    assert name in texts  # of the grid's row
    assert any(json.dumps(name, ensure_ascii=False) in text for text in texts)


def test_a_baseline_without_results_leaves_its_place_out(runs):
    runs["baseline"].result("ood").unlink()
    page = Page(html_report.render_page(runs))
    assert page.texts.count("0.5") == 1


def test_a_grid_has_a_column_for_each_run(runs):
    for value, folder in enumerate(runs.values()):
        metrics = {"auroc/svhn/log_px": value + 0.25, "auroc/svhn/max_p": value + 0.5}
        folder.result("ood").write_text(
            json.dumps({"metrics": metrics, "protocol": {}})
        )
    texts = Page(html_report.render_page(runs)).texts
    at = texts.index("SVHN")
    assert texts[at + 1 : at + 5] == ["0.25", "1.25", "0.5", "1.5"]


def test_a_grid_of_many_columns_is_in_tables_beside_none_too_wide(runs):
    metrics = {f"auroc/svhn/s{i}": i / 16 for i in range(9)}
    for folder in runs.values():
        folder.result("ood").write_text(
            json.dumps({"metrics": metrics, "protocol": {}})
        )
    page = html_report.render_page(runs)
    texts = Page(page).texts
    assert texts.count("AUROC") == 1
    assert texts.count("SVHN") == 2
    for i in range(9):
        assert texts.count(f"s{i}") == 1
        assert texts.count(f"{i / 16:.4g}") == 2
    assert max(row.count("<td>") for row in page.split("<tr>")) <= 11


def test_a_run_without_results_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no results yet; run `jem-tf evaluate`"):
        html_report.render_page({"this run": RunFolder(tmp_path)})


def test_the_flat_chains_of_earlier_versions_stand_in_the_report(runs):
    text = json.dumps(FLAT_METRICS | FLAT_PROTOCOL)
    runs["baseline"].result("chains").write_text(text)
    page = Page(html_report.render_page(runs))
    shown = {"Effective sample size of E(x)", "4.077", "0.001344"}
    assert shown < set(page.texts)
    assert not [text for text in page.texts if "data None" in text]


def test_the_facts_of_a_run_are_of_the_protocol_that_has_most(runs):
    run, _ = runs.values()
    content = {"metrics": {}, "protocol": {"dataset": "digits", "checkpoint_step": 7}}
    run.result("robustness").write_text(json.dumps(content))
    page = Page(html_report.render_page(runs))
    assert "this run: data digits, step 7" in page.text


def test_every_link_of_the_page_leads_to_a_place_in_it(tmp_path):
    run = make_run(tmp_path)
    put(run, "calibration", CALIBRATION)
    put(run, "ood", {"auroc/svhn/log_px": 0.9}, CIFAR)
    put(run, "samples", {"fid": 77.7})
    put(run, "robustness", {"robust_accuracy/linf/8/jem0": 0.5})
    page = Page(html_report.render_page({"this run": run}))
    assert len(page.links) > 10
    assert {link.removeprefix("#") for link in page.links} <= {*page.ids}
    assert len(page.ids) == len(set(page.ids))


def test_the_title_says_what_the_run_is(tmp_path):
    run = make_run(tmp_path / "best")
    put(run, "calibration", CALIBRATION)
    assert "A joint energy-based model: best" in html_report.render_page(
        {"this run": run}
    )
    put(run, "calibration", CALIBRATION, {"p_x_weight": 0.0})
    assert "A plain classifier: best" in html_report.render_page({"this run": run})
    put(run, "calibration", CALIBRATION, {"p_x_weight": 0.0, "p_x_y_weight": 0.1})
    assert "energy-based model: best" in html_report.render_page({"this run": run})


def test_no_part_of_a_page_comes_from_elsewhere(runs):
    page = html_report.render_page(runs)
    for word in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert word not in page


def test_the_curves_of_the_training_are_on_the_page(tmp_path):
    run = make_run(tmp_path)
    put(run, "calibration", CALIBRATION)
    assert (
        "training: this run"
        not in Page(html_report.render_page({"this run": run})).texts
    )
    log(run, {1: 0.25, 2: 0.5})
    assert (
        "training: this run" in Page(html_report.render_page({"this run": run})).texts
    )
