"""The tool, end to end, on small networks."""

import json

import pytest

from tests.processes import ROOT, forked, tool_here

TOOL = ROOT / "tools" / "benchmark.py"
SMALL = ("--network=wrn-10-1", "--side=8", "--batch_size=4", "--sampler_steps=2")
SWEEP = """
import sys
import jem_tf.system.tensorflow_setup
from jem_tf.commands import benchmark, command
benchmark.GRID = {"sampler_steps": (1, 2), "width": (2,)}
command.execute(benchmark.COMMAND, sys.argv[1:])
"""


def told(*argv, code=(TOOL,)):
    with forked(*code, *argv) as program:
        return program.end()


@pytest.mark.slow
def test_one_setting(tmp_path):
    path = tmp_path / "found.json"
    feed = ("--feed", "--dataset=digits", "--buffer_size=20")
    end = told(*SMALL, *feed, "--replicas", "--repeats=2", f"--json={path}")
    assert (end.code, end.err) == (0, "")
    found = json.loads(path.read_text())
    for part in ("training step", "chain", "evaluation", "2 replicas"):
        assert found[part]["seconds"] > 0
        assert found[part]["images_per_second"] == pytest.approx(
            4 / found[part]["seconds"]
        )
        assert part in end.out
    step = found["training step"]
    assert step["seconds"] > found["chain"]["seconds"] / 2
    assert 0.2 < step["peak_memory_gb"] < 8
    assert 0 < step["gflops"] < found["peaks"]["convolution"]
    assert found["feed"]["share"] == found["feed"]["seconds"] / step["seconds"]
    about = {"network": "wrn-10-1", "batch_size": 4, "sampler_steps": 2, "repeats": 2}
    assert about.items() <= found["about"].items()
    assert "wrn-10-1, batch 4, K=2, " in end.out


@pytest.mark.slow
def test_a_sweep(tmp_path):
    path = tmp_path / "found.json"
    end = told(*SMALL, "--sweep", "--repeats=1", f"--json={path}", code=["-c", SWEEP])
    assert (end.code, end.err) == (0, "")
    found = json.loads(path.read_text())
    rows = [(row["of"], row["value"]) for row in found["rows"]]
    assert rows == [("sampler_steps", 1), ("sampler_steps", 2), ("width", 2)]
    assert found["rows"][2]["gflops"] > 0
    assert len(end.out.splitlines()) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--network=wrn-11-1"], "wrn-11-1"),
        (["--repeats=0"], "repeats"),
        (["--inception=/none.pb"], "/none.pb"),
        (["--json=/none/found.json"], "--json=/none/found.json"),
        (["--parts=step", "--feed"], "--feed is measured beside the other parts"),
        (["--sweep", "--replicas"], "leave out --sweep"),
        (["--network=wrn-10-0", "--sweep"], "wrn-10-0"),
        (["quick"], "'quick' is not a flag"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(argv, named):
    end = tool_here(TOOL, *SMALL, "--repeats=1", *argv)
    assert end.code == 1
    assert end.err.startswith("jem_tf: ")
    assert end.err.count("\n") == 1
    assert named in end.err
