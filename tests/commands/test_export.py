"""The tool end to end, on a run of `flags/smoke.flags`."""

import json

import pytest

from jem_tf.commands import export as command
from jem_tf.runs import pretrained_models
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving.exporting import CALIBRATION
from tests import processes
from tests.commands import flag_values

pytestmark = pytest.mark.slow

TOOL = processes.ROOT / "tools" / "export.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory, trained):
    return trained(tmp_path_factory.mktemp("run"), "--p_x_weight=0", "--steps=1")


def export(run, *argv):
    return processes.tool_here(TOOL, f"--workdir={run}", *argv)


def test_a_run_is_exported_and_its_place_said(run):
    with processes.Process(TOOL, f"--workdir={run}") as program:
        code, out, err = program.end()
    assert (code, err) == (0, "")
    place = run / "export" / "1"
    *minded, last = out.splitlines()
    assert last == f"{place}, of step 1: see {place / 'README.md'}"
    # untrained, it may take noise for known
    assert all(line.startswith("mind: is_ood goes by max_p") for line in minded)
    assert "a plain classifier" in (place / "README.md").read_text()


def test_place_number_share_and_precision_are_those_asked_for(run, tmp_path):
    code, _, err = export(
        run,
        f"--out={tmp_path}",
        "--number=7",
        "--accept=0.5",
        "--best",
        "--precision=mixed_bfloat16",
        "--ood_score=max_logit",
    )
    assert code == 0, err
    about = json.loads((tmp_path / "7" / CALIBRATION).read_text())
    assert (about["accept"], about["precision"]) == (0.5, "mixed_bfloat16")
    assert about["ood_score"] == "max_logit"
    assert 0.5 <= about["accepted"] < 0.52
    before = processes.contents(tmp_path)
    code, out, err = export(run, f"--out={tmp_path}", "--number=7")
    assert (code, out) == (1, "")
    assert err == (
        f"jem_tf: {tmp_path / '7'} exists already; name another place or number.\n"
    )
    assert processes.contents(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "changed", "own"),
    [
        ([], {}, True),
        (["--data_dir=elsewhere"], {}, True),
        (["--accept=0.95"], {"accept": 0.95}, False),
        (["--precision=mixed_bfloat16"], {"precision": "mixed_bfloat16"}, False),
    ],
)
def test_what_is_not_asked_for_is_as_in_the_packed_run(words, changed, own):
    values = flag_values.parsed(command.define, "--workdir=x", *words)
    folder = RunFolder(pretrained_models.find_preset("digits"))
    packed = {"accept": 0.95, "ood_score": "log_px", "precision": "float32"}
    assert command.calibration_wanted(values, folder) == (packed | changed, own)


def test_of_a_run_that_is_not_packed_the_defaults_are_taken(tmp_path):
    values = flag_values.parsed(command.define, "--workdir=x")
    default = {"accept": 0.95, "ood_score": "auto", "precision": "float32"}
    folder = RunFolder(tmp_path)
    assert command.calibration_wanted(values, folder) == (default, False)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--accept=1.5"], "--accept=1.5 must be in (0, 1]; give a share like 0.95."),
        (["export"], "'export' is not a flag; write --name=value."),
    ],
)
def test_what_is_wrong_is_said_in_a_line(run, argv, says):
    assert export(run, *argv) == (1, "", f"jem_tf: {says}\n")


def test_a_place_without_a_run_is_refused(tmp_path):
    code, out, err = export(tmp_path)
    assert (code, out) == (1, "")
    assert "holds no run of jem_tf" in err
    assert not list(tmp_path.iterdir())
