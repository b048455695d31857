"""The tool and what all tools share, end to end, on runs of `flags/smoke.flags`."""

import json

import pytest
from PIL import Image

from tests import processes

pytestmark = pytest.mark.slow

TOOL = processes.ROOT / "tools" / "evaluate_calibration.py"


@pytest.fixture(scope="module")
def told(tmp_path_factory, trained):
    """{name: (run, Ended)} of the tool on several runs."""
    place = tmp_path_factory.mktemp("runs")
    trained(place / "smoke")
    trained(place / "plain", "--p_x_weight=0", "--steps=1")
    (place / "none").mkdir()
    before = processes.contents(place)
    (place / "bare").mkdir()
    for file in ("data.json", "run.flags"):
        (place / "bare" / file).write_bytes((place / "smoke" / file).read_bytes())
    ended = {
        "smoke": processes.tool_here(TOOL, f"--workdir={place / 'smoke'}", "--limit=50")
    }
    chosen = (f"--workdir={place / 'smoke'}", "--limit=50", "--on=validation")
    chosen = (*chosen, "--corruptions=snow,contrast,snow")
    ended["choose"] = processes.tool_here(TOOL, *chosen)
    with processes.forked(TOOL, f"--workdir={place / 'plain'}") as program:
        ended["plain"] = program.end()
    for name in ("none", "bare"):
        ended[name] = processes.tool_here(TOOL, f"--workdir={place / name}")
    for name, kinds in {
        "kind": "snow,rain",
        "frost": "frost",
        "both": "none,snow",
        "severity": "snow,contrast --severities=2,6",
    }.items():
        flags = (f"--workdir={place / 'smoke'}", *f"--corruptions={kinds}".split())
        ended[name] = processes.tool_here(TOOL, *flags)
    ended["word"] = processes.tool_here(TOOL, f"--workdir={place}/none", "limit=5")
    assert (
        before.items() <= processes.contents(place).items()
    )  # nothing of the runs has changed
    return {name: (place / name, ended[name]) for name in ended}


def kept(run, name="calibration"):
    return json.loads((run / "results" / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["smoke", "plain"])
def test_a_run_gets_its_numbers_protocol_and_figures(told, name):
    run, (code, out, err) = told[name]
    assert (code, err) == (0, "")
    metrics, protocol = kept(run)["metrics"], kept(run)["protocol"]
    assert protocol["corruptions"] == "none"
    keys = "accuracy accuracy_noisy nll brier brier_resolution ece ece_adaptive"
    for key in [*keys.split(), "ece_classwise", "ece_classwise_adaptive"]:
        low, high = metrics[f"{key}_ci"]
        biased = key.startswith(("ece", "brier_"))
        assert low <= metrics[key] <= high or biased
    assert metrics["temperature"] > 0
    assert metrics["ece_temperature_scaled"] >= 0
    assert protocol["checkpoint_step"] == {"smoke": 12, "plain": 1}[name]
    assert len(protocol["network_sha256"]) == 64
    assert protocol["versions"]["tensorflow"]
    assert metrics["by_class/0/images"] > 0
    for figure in ("reliability", "confidence", "by_class"):
        path = run / "figures" / f"calibration_{figure}.png"
        assert str(path) in out
        with Image.open(path) as picture:
            picture.load()


def test_what_is_printed_are_the_numbers(told):
    run, (_, out, _) = told["smoke"]
    single = out.split("\n\n  by_class")[0]  # what follows are tables
    rows = dict(line.split()[:2] for line in single.splitlines() if line[:2] == "  ")
    metrics = kept(run)["metrics"]
    assert {"accuracy", "ece", "temperature"} < set(rows)
    for name, shown in rows.items():
        assert float(shown) == pytest.approx(metrics[name], rel=1e-3)


def test_the_limit_is_one_and_is_told(told):
    protocol = kept(told["smoke"][0])["protocol"]
    assert (protocol["limit"], protocol["seed"]) == (50, 0)
    assert (
        protocol["images"]
        == "the first 50 of the test images held out of the train split"
    )
    assert kept(told["plain"][0])["protocol"]["images"].startswith("the first 359")


def test_on_validation_the_images_of_the_temperature_are_those_evaluated(told):
    run, ended = told["smoke"][0], told["choose"][1]
    assert (ended.code, ended.err) == (0, "")
    chosen, test = kept(run, "validation_calibration"), kept(run)
    metrics, protocol = chosen["metrics"], chosen["protocol"]
    assert protocol["images"] == "the first 50 of the validation images"
    assert "those evaluated" in protocol["temperature"]
    assert "those evaluated" not in test["protocol"]["temperature"]
    assert metrics["nll_temperature_scaled"] <= metrics["nll"]
    assert metrics["temperature"] == test["metrics"]["temperature"]
    assert metrics["nll"] != test["metrics"]["nll"]
    assert (run / "figures" / "validation_calibration_reliability.png").exists()


def test_corruptions_are_measured_once_each_and_the_protocol_names_them(told):
    run = told["choose"][0].parent / "smoke"
    found = kept(run, "validation_calibration")
    metrics, protocol = found["metrics"], found["protocol"]
    assert protocol["corruptions"] == ["snow", "contrast"]
    for number in ("accuracy", "ece", "ece_temperature_scaled"):
        for name in ("snow", "contrast", "mean"):
            for severity in (1, 5):
                key = f"corrupted_{number}/{name}/severity_{severity}"
                assert 0 <= metrics[key] <= 1
    assert 0 < metrics["mean_corruption_error"] < 1
    for figure in ("shift", "corruptions"):
        path = run / "figures" / f"validation_calibration_{figure}.png"
        with Image.open(path) as picture:
            picture.load()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("kind", "--corruptions=rain is no corruption that we have; choose of"),
        ("frost", "--corruptions=frost is no corruption that we have (it is made of"),
        ("both", "--corruptions=none,snow must be none, all, or names of corruptions."),
        ("severity", "--severities=2,6 must list some of 1,2,3,4,5."),
    ],
)
def test_corruptions_that_are_none_are_refused_in_a_line(told, name, says):
    _, (code, _, err) = told[name]
    assert code == 1
    assert err.startswith(f"jem_tf: {says}")
    assert err.count("\n") == 1


def test_a_plain_classifier_needs_no_buffer(told):
    run, _ = told["plain"]
    assert kept(run)["protocol"]["p_x_weight"] == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none", "{} holds no run of jem_tf; name the folder of one."),
        ("bare", "{} has no checkpoint yet; train longer."),
        ("word", "'limit=5' is not a flag; write --name=value."),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_a_line(told, name, says):
    run, (code, out, err) = told[name]
    assert (code, out) == (1, "")
    assert err == f"jem_tf: {says.format(run)}\n"
    assert not (run / "results").exists()
