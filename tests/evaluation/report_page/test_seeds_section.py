import json

import pytest

from jem_tf.errors import InputError
from jem_tf.evaluation import html_report, seed_summary
from jem_tf.evaluation.report_page import seeds_section
from tests.evaluation.report_page.pages import CALIBRATION, Page, make_run, put


def write(run, *accuracies):
    results = [{"calibration": {"accuracy": each}} for each in accuracies]
    summaries = seed_summary.summarise_runs(results)
    runs = [f"runs/seed{i}" for i in range(len(accuracies))]
    content = {"metrics": summaries, "protocol": {"runs": runs}}
    run.result("seeds").write_text(json.dumps(content))


def test_a_row_has_the_mean_the_deviation_and_each_run(tmp_path):
    run = make_run(tmp_path)
    put(run, "calibration", CALIBRATION)
    write(run, 0.81, 0.87)
    text = Page(html_report.render_page({"run": run})).text
    assert "Seeds: how much do they matter?" in text
    for part in ("seed0", "seed1", "0.84", "\N{PLUS-MINUS SIGN} 0.0424", "0.81"):
        assert part in text, part


def test_a_run_alone_has_no_section(tmp_path):
    assert seeds_section.render_seeds(make_run(tmp_path)) == ""


@pytest.mark.parametrize("text", ["{", "[]", '{"metrics": {}}', '{"metrics": 3}'])
def test_a_damaged_file_is_refused_by_name(tmp_path, text):
    run = make_run(tmp_path)
    put(run, "calibration", CALIBRATION)
    run.result("seeds").write_text(text)
    with pytest.raises(InputError, match=r"seeds\.json cannot be read; remove it"):
        seeds_section.render_seeds(run)
