"""`jem-tf report`: a page of what was measured."""

import pytest

from jem_tf.evaluation import findings
from jem_tf.runs.run_folder import DataDescription, RunFolder
from tests.evaluation.test_findings import example
from tests.processes import ROOT, tool_here

TOOL = ROOT / "tools" / "report.py"


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.root.mkdir()
    folder.describe_data(DataDescription((8, 8, 1), ("a", "b"), {"train": 1}))
    return folder


def test_the_page_has_what_was_measured_and_is_named(run):
    findings.write_findings(run, "ood", example(), 7)
    code, out, err = tool_here(TOOL, f"--workdir={run}")
    assert (code, err) == (0, "")
    assert out == f"{run.report}\n"
    assert "Outliers: does it know" in run.report.read_text()


def test_a_run_that_was_not_measured_is_refused_in_a_line(run):
    code, out, err = tool_here(TOOL, f"--workdir={run}")
    assert (code, out) == (1, "")
    assert err.startswith("jem_tf: ")
    assert str(run) in err
    assert not run.report.exists()


def test_what_is_no_run_is_refused_in_a_line(run, tmp_path):
    for flags in ([f"--workdir={tmp_path}"], [f"--workdir={run}", "--baseline=none"]):
        code, _, err = tool_here(TOOL, *flags)
        assert code == 1
        assert "holds no run of jem_tf; name the folder of one." in err
