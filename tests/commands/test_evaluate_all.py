"""The tool, end to end: what is done is kept, what cannot be measured is named."""

import json
import shutil

import numpy as np
import pytest

from jem_tf.commands import evaluate_all_parts
from tests import processes

pytestmark = pytest.mark.slow

TOOL = processes.ROOT / "tools" / "evaluate_all.py"
QUICK = ("--quick", "--limit=20", "--parts=chains,ood,autoattack")


class Counted:
    """Measures parts, and notes which; is interrupted before the part `stop`."""

    def __init__(self, stop=""):
        self.measured, self.stop, self.real = [], stop, evaluate_all_parts.measure

    def __call__(self, part, folder):
        if part.name == self.stop:
            raise KeyboardInterrupt
        self.measured.append(f"{folder.root.name} {part.name}")
        self.real(part, folder)


@pytest.fixture(scope="module")
def told(tmp_path_factory, trained):
    """{call: (Ended, the parts measured, the states of "ours" afterwards)}."""
    place = tmp_path_factory.mktemp("runs")
    trained(place / "ours", "--checkpoint_every=6")
    trained(place / "other", "--seed=1")
    trained(place / "plain", "--p_x_weight=0", "--steps=1")
    calls = {}

    def call(name, *words, stop=""):
        counted = Counted(stop)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evaluate_all_parts, "measure", counted)
            ended = processes.tool_here(TOOL, f"--workdir={place / 'ours'}", *words)
        states = kept(place / "ours", "all")["parts"]
        calls[name] = (ended, counted.measured, states)

    call("killed", *QUICK, stop="ood")
    call("goes on", *QUICK)
    call("again", *QUICK)
    more = (f"--baseline={place / 'plain'}", f"--seeds={place / 'other'}")
    call("more", *QUICK, *more)
    shutil.copy(place / "ours" / "report.html", place / "compared.html")
    call("recipe", *QUICK, f"--seeds={place / 'plain'}")
    call("part", "--parts=ood,odd")
    for run in ("ours", "other"):  # each keeps the results that seeds.json is of
        shutil.copytree(place / run / "results", place / f"{run} results")
    shutil.rmtree(processes.checkpoint(place / "ours", 12))
    call("step", "--quick", "--limit=20", "--parts=chains")
    return place, calls


def kept(run, name):
    return json.loads((run / "results" / f"{name}.json").read_text())


def test_an_interrupted_evaluation_keeps_what_is_done(told):
    ended, measured, states = told[1]["killed"]
    assert (ended.code, measured) == (1, ["ours chains"])
    assert ended.err == (
        "jem_tf: interrupted; 1 of 3 parts are measured and kept, and the same command "
        "goes on.\n"
    )
    assert list(states) == ["chains"]
    assert "[2/3] ood of" in ended.out


def test_the_same_command_goes_on_and_then_measures_nothing(told):
    place, calls = told
    ended, measured, states = calls["goes on"]
    assert (ended.code, ended.err, measured) == (0, "", ["ours ood"])
    assert "[1/3] chains of" in ended.out
    assert "kept, as it is measured" in ended.out
    assert ended.out.splitlines()[-1] == str(place / "ours" / "report.html")
    assert states["ood"]["seconds"] > 0
    ended, measured, after = calls["again"]
    assert (ended.code, measured, after) == (0, [], states)


def test_what_is_not_measured_is_named_and_kept(told):
    ended, _, states = told[1]["goes on"]
    says = "not measured: --quick attacks by PGD in place of AutoAttack"
    assert states["autoattack"]["outcome"] == says
    assert f"[3/3] autoattack of {told[0] / 'ours'}: {says}" in ended.out
    assert states["ood"]["conditions"]["absent"] == ["svhn", "cifar10", "cifar100"]
    assert "not on the disk: svhn" in ended.out


def test_a_baseline_and_seeds_are_measured_by_the_same_parts(told):
    place, calls = told
    ended, measured, _ = calls["more"]
    assert ended.code == 0
    assert measured == ["plain chains", "plain ood", "other chains", "other ood"]
    chains = kept(place / "plain", "all")["parts"]["chains"]
    assert chains["outcome"].startswith("not measured: --workdir=")
    assert chains["outcome"].endswith("is a plain classifier, which has no chains.")
    assert str(place / "plain") in (place / "compared.html").read_text()


def test_means_and_deviations_over_seeds_are_those_of_numpy(told):
    place, calls = told
    found = kept(place / "ours", "seeds")
    assert found["protocol"]["seeds"] == [0, 1]
    assert found["protocol"]["checkpoint_steps"] == [12, 12]
    assert set(found["metrics"]) == {"chains", "ood"}
    for name, key in (
        ("ood", "auroc/uniform/log_px"),
        ("ood", "log_px/test"),
        ("chains", "energy_mean"),
    ):
        values = [
            json.loads((place / f"{run} results" / f"{name}.json").read_text())[
                "metrics"
            ][key]
            for run in ("ours", "other")
        ]
        summary = found["metrics"][name][key]
        assert summary["values"] == values
        assert values[0] != values[1]
        assert summary["mean"] == pytest.approx(np.mean(values))
        assert summary["sd"] == pytest.approx(np.std(values, ddof=1))
    assert "ood auroc/uniform/log_px" in calls["more"][0].out


def test_without_other_seeds_there_is_no_deviation(told):
    assert not (told[0] / "other" / "results" / "seeds.json").exists()
    assert "standard deviation" not in told[1]["again"][0].out


def test_another_step_measures_again(told):
    ended, measured, states = told[1]["step"]
    assert (ended.code, measured) == (0, ["ours chains"])
    assert states["chains"]["conditions"]["step"] == 6
    assert states["ood"]["conditions"]["step"] == 12  # not asked for


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("recipe", "plain is of another recipe than "),
        ("part", "jem_tf: --parts=ood,odd must name parts, and odd is none; choose"),
    ],
)
def test_what_cannot_be_compared_or_measured_is_refused_in_a_line(told, name, says):
    ended, measured, _ = told[1][name]
    assert (ended.code, ended.out, measured) == (1, "", [])
    assert says in ended.err
    assert ended.err.count("\n") == 1
