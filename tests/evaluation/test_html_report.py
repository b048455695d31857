import html.parser
import json

import pytest

from jem_tf.errors import InputError
from jem_tf.evaluation import html_report
from jem_tf.runs.run_folder import RunFolder
from tests.evaluation.test_findings import (
    FLAT_METRICS,
    FLAT_PROTOCOL,
    example,
    findings,
)


class Page(html.parser.HTMLParser):
    """What a browser would make of it: tags that match, texts, addresses."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.sources = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.sources += [v for k, v in attributes if k in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


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
    assert page.texts.count("ece") == 1
    assert page.texts.count("0.5") == 2
    assert len(page.sources) == 4
    assert "baseline: chart" in page.texts


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
    at = texts.index("svhn")
    assert texts[at + 1 : at + 5] == ["0.25", "1.25", "0.5", "1.5"]


def test_a_grid_of_many_columns_is_in_tables_beside_none_too_wide(runs):
    metrics = {f"auroc/svhn/s{i}": i / 16 for i in range(9)}
    for folder in runs.values():
        folder.result("ood").write_text(
            json.dumps({"metrics": metrics, "protocol": {}})
        )
    page = html_report.render_page(runs)
    texts = Page(page).texts
    assert texts.count("auroc") == texts.count("svhn") == 2
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
    assert {"ess", "4.077", "energy_std", "0.001344"} < set(page.texts)
    assert not [text for text in page.texts if "dataset None" in text]


def test_the_facts_of_a_run_are_of_the_protocol_that_has_most(runs):
    run, _ = runs.values()
    content = {"metrics": {}, "protocol": {"dataset": "digits", "checkpoint_step": 7}}
    run.result("robustness").write_text(json.dumps(content))
    page = Page(html_report.render_page(runs))
    assert ": dataset digits, checkpoint_step 7" in page.texts
