"""The tool, end to end: on a run of `flags/smoke.flags`, and on what is none."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from jem_tf.evaluation import html_report, tables
from jem_tf.runs.run_folder import RunFolder
from tests.processes import ROOT, contents, forked, tool_here

pytestmark = pytest.mark.slow

TOOL = ROOT / "tools" / "diagnose_chains.py"


@pytest.fixture(scope="module")
def told(tmp_path_factory, trained):
    """What the tool says of several runs: {name: (run, Ended)}."""
    place = tmp_path_factory.mktemp("runs")
    trained(place / "smoke")
    trained(place / "mala", "--steps=1", "--sampler=mala")
    trained(place / "plain", "--p_x_weight=0", "--steps=1")
    (place / "none").mkdir()
    before = contents(place)
    few = ["--chains=5", "--steps=20", f"--workdir={place / 'smoke'}"]
    with forked(TOOL, *few) as program:
        ended = {"smoke": program.end()}
    mala = f"--workdir={place / 'mala'}"
    ended["mala"] = tool_here(TOOL, "--chains=5", "--steps=20", mala)
    ended["plain"] = tool_here(TOOL, f"--workdir={place / 'plain'}")
    ended["none"] = tool_here(TOOL, f"--workdir={place / 'none'}")
    ended["word"] = tool_here(TOOL, f"--workdir={place / 'smoke'}", "steps=20")
    assert before.items() <= contents(place).items()
    return {name: (place / name, *ended[name]) for name in ended}


def test_a_run_gets_the_numbers_of_its_chains(told):
    place, code, _, err = told["smoke"]
    assert (code, err) == (0, "")
    written = json.loads((place / "results" / "chains.json").read_text())
    protocol, found = written["protocol"], written["metrics"]
    asked = (protocol["chains"], protocol["steps"], protocol["start"])
    assert asked == (5, 20, "buffer")
    numbers = {"ess", "ess_share", "rhat", "energy_mean", "energy_std", "energy_first"}
    assert numbers == set(found)
    assert np.isfinite([found[name] for name in numbers]).all()
    assert 0 < found["ess"] == pytest.approx(found["ess_share"] * 11 * 5)


def test_the_protocol_says_of_which_network_and_sampler(told):
    for name, numbers in {"smoke": ("noise",), "mala": ("temperature",)}.items():
        place = told[name][0]
        said = json.loads((place / "results" / "chains.json").read_text())["protocol"]
        assert (said["run"], said["dataset"]) == (str(place), "digits")
        assert len(said["network_sha256"]) == 64
        assert {"network", "precision", "versions", "checkpoint_step"} < set(said)
        assert said["sampler"] == {"smoke": "sgld"}.get(name, name)
        assert said["sampler_steps"] == said["steps"] == 20
        for number in ("step_size", *numbers):
            assert said[f"sampler_{number}"] > 0


def test_of_a_sampler_that_refuses_steps_the_acceptance_is_measured(told):
    place, code, out, err = told["mala"]
    assert (code, err) == (0, "")
    found = json.loads((place / "results" / "chains.json").read_text())["metrics"]
    assert 0 <= found["acceptance"] <= 1
    assert "  acceptance  " in out


def test_a_run_gets_the_picture_of_its_chains(told):
    place, _, out, _ = told["smoke"]
    with Image.open(place / "figures" / "chains_energy.png") as picture:
        picture.load()
        assert min(picture.size) >= 640
    assert out.splitlines()[-2:] == [
        str(place / "results" / "chains.json"),
        str(place / "figures" / "chains_energy.png"),
    ]


def test_what_is_printed_are_the_numbers(told):
    place, _, out, _ = told["smoke"]
    found = json.loads((place / "results" / "chains.json").read_text())["metrics"]
    rows = dict(re.findall(r"^  (\w+) +([-\d.,e+]+)$", out, re.MULTILINE))
    assert set(rows) == set(found)
    for name, value in rows.items():
        assert float(value.replace(",", "")) == pytest.approx(found[name], rel=1e-3)


def test_tensorboard_gets_them_too(told):
    place, *_ = told["smoke"]
    tags = set()
    for path in (place / "tensorboard" / "evaluation").glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
    found = json.loads((place / "results" / "chains.json").read_text())["metrics"]
    assert {f"chains/{name}" for name in found} < tags


def test_the_report_has_all_numbers_and_knows_the_run(told):
    place, *_ = told["smoke"]
    page = html_report.render_page({"this run": RunFolder(place)})
    found = json.loads((place / "results" / "chains.json").read_text())["metrics"]
    for name, value in found.items():
        shown = f"</th><td>{tables.format_number(value)}"
        (row,) = (row for row in page.split("<tr>") if f"title='{name}'" in row)
        assert shown in row
    assert "None" not in re.search("<ul>.*</ul>", page)[0]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("plain", "--workdir={} is a plain classifier, which has no chains."),
        ("none", "{} holds no run of jem_tf; name the folder of one."),
        ("word", "'steps=20' is not a flag; write --name=value."),
    ],
)
def test_what_has_no_chains_is_refused_in_a_line(told, name, says):
    place, code, out, err = told[name]
    assert (code, out) == (1, "")
    assert err == f"jem_tf: {says.format(place)}\n"
