"""The tool, end to end, on small networks."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "benchmark.py"
SMALL = ("--network=wrn-10-1", "--side=8", "--batch_size=4", "--sgld_steps=2")
SWEEP = f"""
import sys
sys.argv = [{str(TOOL)!r}, *sys.argv[1:]]
import importlib.util
spec = importlib.util.spec_from_file_location("benchmark", {str(TOOL)!r})
tool = importlib.util.module_from_spec(spec); spec.loader.exec_module(tool)
from absl import app, flags
tool.GRID = {{"sgld_steps": (1, 2), "width": (2,)}}
tool.flagfiles.define(flags.FLAGS)
app.run(tool.main, flags_parser=tool.parse)
"""


def told(*argv, code=(TOOL,)):
    """The ended program."""
    user = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *code, *argv],
        capture_output=True,
        text=True,
        env=user | {"PYTHONPATH": str(ROOT)},
    )


def test_one_setting(tmp_path):
    path = tmp_path / "found.json"
    feed = ("--feed", "--dataset=digits", "--buffer_size=20")
    end = told(*SMALL, *feed, "--replicas", "--repeats=2", f"--json={path}")
    assert (end.returncode, end.stderr) == (0, "")
    found = json.loads(path.read_text())
    for part in ("training step", "chain", "evaluation", "2 replicas"):
        assert found[part]["seconds"] > 0
        assert found[part]["images_per_second"] == pytest.approx(
            4 / found[part]["seconds"]
        )
        assert part in end.stdout
    step = found["training step"]
    assert step["seconds"] > found["chain"]["seconds"] / 2
    assert 0.2 < step["peak_memory_gb"] < 8
    assert 0 < step["gflops"] < found["peaks"]["convolution"]
    assert found["feed"]["share"] == found["feed"]["seconds"] / step["seconds"]
    about = {"network": "wrn-10-1", "batch_size": 4, "sgld_steps": 2, "repeats": 2}
    assert about.items() <= found["about"].items()
    assert "wrn-10-1, batch 4, K=2, " in end.stdout


def test_a_sweep(tmp_path):
    path = tmp_path / "found.json"
    end = told(*SMALL, "--sweep", "--repeats=1", f"--json={path}", code=["-c", SWEEP])
    assert (end.returncode, end.stderr) == (0, "")
    found = json.loads(path.read_text())
    rows = [(row["of"], row["value"]) for row in found["rows"]]
    assert rows == [("sgld_steps", 1), ("sgld_steps", 2), ("width", 2)]
    assert found["rows"][2]["gflops"] > 0
    assert len(end.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--network=wrn-11-1"], "wrn-11-1"),
        (["--repeats=0"], "repeats"),
        (["--inception=/none.pb"], "/none.pb"),
        (["--json=/none/found.json"], "--json=/none/found.json"),
        (["--network=wrn-10-0", "--sweep"], "wrn-10-0"),
        (["quick"], "'quick' is not a flag"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(argv, named):
    end = told(*SMALL, "--repeats=1", *argv)
    assert end.returncode == 1
    assert end.stderr.startswith("jem_tf: ")
    assert end.stderr.count("\n") == 1
    assert named in end.stderr
