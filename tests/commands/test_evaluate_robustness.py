"""The tool, end to end: on runs of `flags/smoke.flags`, and on what is wrong."""

import json
import types

import numpy as np
import pytest
from PIL import Image

from jem_tf.commands import evaluate_robustness
from jem_tf.runs import loading, run_folder
from tests import processes
from tests.runs.test_run_folder import SMALL, kept, save

pytestmark = pytest.mark.slow

TOOL = processes.ROOT / "tools" / "evaluate_robustness.py"
TINY = (
    "--limit=4",
    "--steps=2",
    "--eps_linf=8",
    "--eps_l2=0.5",
    "--eot=2",
    "--distal_steps=20",
)
FEW = ("--limit=2", "--steps=1", "--distal_steps=1", "--eps_linf=8", "--eps_l2=1")


def tool(place, *argv):
    return processes.tool_here(TOOL, f"--workdir={place}", *argv)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, trained):
    place = tmp_path_factory.mktemp("runs")
    trained(place / "smoke")
    trained(place / "plain", "--p_x_weight=0", "--steps=1")
    trained(place / "mala", "--steps=1", "--sampler=mala")
    processes.run_here(place / "large", "--image_size=12", "--steps=1")
    (place / "none").mkdir()
    return place


@pytest.fixture(scope="module")
def ended(runs):
    """Of a JEM against a plain classifier, and of the classifier alone."""
    refined = ("--refine_steps=0,2", "--refine_noise=0.05", *TINY)
    named = (f"--workdir={runs / 'smoke'}", f"--baseline={runs / 'plain'}")
    with processes.forked(TOOL, *named, *refined) as program:
        return {"smoke": program.end(), "plain": tool(runs / "plain", *TINY)}


@pytest.mark.parametrize(("best", "step"), [(True, 6), (False, 7)])
def test_a_baseline_is_read_as_the_run_is(tmp_path, best, step):
    root, model = kept(tmp_path, SMALL)
    save(root, model, 6, 0.9)
    save(root, model, 7, 0.8)
    given = types.SimpleNamespace(baseline=str(root), best=best, precision="")
    baseline = evaluate_robustness.read_baseline(loading.read_run(root), given)
    assert baseline.step == step


def found(place, name="robustness"):
    return json.loads((place / "results" / f"{name}.json").read_text())


def test_a_run_gets_its_numbers(runs, ended):
    assert (ended["smoke"].code, ended["smoke"].err) == (0, "")
    metrics = found(runs / "smoke")["metrics"]
    for norm, of in {"linf": (0, 8, 255), "l2": (0, 0.5)}.items():
        for key in (f"{norm}/{eps:g}/jem{k}" for eps in of for k in (0, 2)):
            for name in ("robust_accuracy", "transfer_accuracy"):
                assert metrics[f"{name}/{key}"] in np.arange(21) / 20
                low, high = metrics[f"{name}/{key}_ci"]
                assert 0 <= low < high <= 1
    assert {"distal/confidence", "distal/reached", "distal/steps"} < set(metrics)
    assert "robust_accuracy/linf/8/jem2" in metrics
    for kind in ("straight_through", "full", "transferred"):
        kept = f"robust_accuracy/linf/8/jem2/{kind}"
        assert metrics["robust_accuracy/linf/8/jem2"] <= metrics[kept]


def test_the_protocol_says_how(runs, ended):
    said = found(runs / "smoke")["protocol"]
    assert (
        said["images"] == "the first 4 of the test images held out of the train split"
    )
    assert (said["pgd_steps"], said["refinement"]["noise"]) == (2, 0.05)
    assert said["refinement"]["jem_k"] == [0, 2]
    assert said["refinement"]["eot_draws"] == {"jem0": 1, "jem2": 2}
    assert said["baseline"]["network_sha256"] != said["network_sha256"]
    assert said["baseline_data"] == evaluate_robustness.SAME
    assert said["versions"]["foolbox"]
    checks = said["sanity"]
    assert len(checks) == 4
    for name, check in checks.items():
        assert check["measured"]
        warned = f"warning: {name} does not hold" in ended["smoke"].out
        assert warned is not check["ok"]
    assert checks["eps_0_equals_clean_accuracy"]["ok"]


def test_a_run_gets_its_pictures(runs, ended):
    for name in ("accuracy", "distal"):
        path = runs / "smoke" / "figures" / f"robustness_{name}.png"
        with Image.open(path) as picture:
            picture.load()
            assert max(picture.size) >= 640
        assert str(path) in ended["smoke"].out


def test_the_protocol_names_the_sampler_and_its_changed_temperature(runs):
    asked = ("--refine_steps=1", "--refine_temperature=0.5")
    ended = tool(runs / "mala", *asked, *FEW, "--eot=1", "--limit=1")
    assert (ended.code, ended.err) == (0, "")
    refinement = found(runs / "mala")["protocol"]["refinement"]
    assert (refinement["sampler"], refinement["temperature"]) == ("mala", 0.5)


def test_a_choice_is_made_on_validation_images_and_replaces_no_result(runs, ended):
    before = found(runs / "plain")
    chosen = tool(runs / "plain", "--on=validation", *FEW)
    assert (chosen.code, chosen.err) == (0, "")
    assert found(runs / "plain") == before
    protocol = found(runs / "plain", "validation_robustness")["protocol"]
    assert protocol["images"] == "the first 2 of the validation images"


def test_a_plain_classifier_is_not_refined_unless_asked(runs, ended):
    assert (ended["plain"].code, ended["plain"].err) == (0, "")
    told = found(runs / "plain")
    assert told["protocol"]["refinement"]["jem_k"] == [0]
    assert told["protocol"]["baseline"] is None
    assert not [key for key in told["metrics"] if "jem1" in key or "transfer" in key]


def test_autoattack_has_results_of_its_own_and_says_what_each_part_broke(runs, ended):
    before = found(runs / "smoke")
    few = ("--attack=autoattack", "--queries=5", "--targets=2", *TINY[:4])
    done = tool(runs / "smoke", *few)
    assert (done.code, done.err) == (0, "")
    assert found(runs / "smoke") == before
    told = found(runs / "smoke", "autoattack")
    metrics, said = told["metrics"], told["protocol"]
    right = metrics["robust_accuracy/linf/0/jem0"]
    for ball in ("linf/8", "linf/255", "l2/0.5"):
        keys = [key for key in metrics if key.startswith(f"broken_by/{ball}/jem0/")]
        assert len(keys) == 4
        broken = sum(metrics[key] for key in keys) / 4
        assert metrics[f"robust_accuracy/{ball}/jem0"] == right - broken
    assert not any("jem2" in key for key in metrics)
    assert said["fewer_images"].startswith("4 images were attacked, and not 1,000")
    assert "NOT the standard version" in said["attack"]
    assert len(said["sanity"]) == 4


def test_attacks_within_other_radii_stand_beside(runs, ended):
    results = runs / "smoke" / "results"
    before = {path: path.read_text() for path in results.iterdir()}
    few = ("--attack=autoattack", "--queries=5", "--targets=2", *TINY[:4])
    done = tool(runs / "smoke", *few, "--result=small_radii", "--eps_linf=1")
    assert (done.code, done.err) == (0, "")
    assert all(path.read_text() == text for path, text in before.items())
    few = ("--refine_steps=0", "--steps=2", *TINY[:4])
    done = tool(runs / "smoke", *few, "--result=small_radii_pgd", "--eps_linf=1")
    assert (done.code, done.err) == (0, "")
    assert all(path.read_text() == text for path, text in before.items())
    for name, attack in (("small_radii", "AutoAttack"), ("small_radii_pgd", "PGD")):
        beside = found(runs / "smoke", name)
        assert "robust_accuracy/linf/1/jem0" in beside["metrics"]
        assert attack in beside["protocol"]["attack"]
        assert "distal" not in beside["protocol"]


def folder(place, name, **digests):
    digests = digests and {"train": "a", "validation": "b", "test": "c"} | digests
    described = run_folder.DataDescription((8, 8, 1), ("x", "y"), {}, digests or None)
    made = run_folder.RunFolder(place / name)
    made.root.mkdir()
    made.describe_data(described)
    return made


def test_a_baseline_on_other_data_is_told_by_its_digests(tmp_path):
    run, same = folder(tmp_path, "run", test="c"), folder(tmp_path, "same", test="c")
    other = folder(tmp_path, "other", train="d", test="e")
    old = folder(tmp_path, "old")
    compare = evaluate_robustness.compare_data
    assert compare(run, same) == evaluate_robustness.SAME
    assert compare(run, other).startswith("other images or labels to train, test than")
    for pair in ((run, old), (old, run)):
        assert "no digest" in compare(*pair)


@pytest.mark.parametrize(
    ("place", "argv", "says"),
    [
        ("none", [], "{runs}/none holds no run of jem_tf; name the folder of one."),
        (
            "large",
            ["--baseline={runs}/none"],
            "--baseline={runs}/none: {runs}/none holds no run of jem_tf; "
            "name the folder of one.",
        ),
        (
            "large",
            ["--baseline={runs}/plain"],
            "--baseline={runs}/plain has other images or classes than "
            "--workdir={runs}/large; name a run of the same data.",
        ),
        (
            "large",
            ["--eps_linf=1,two"],
            "--eps_linf=1,two must list numbers of at least 0, with commas between "
            "them.",
        ),
        (
            "large",
            ["--eps_l2=-0.5"],
            "--eps_l2=-0.5 must list numbers of at least 0, with commas between them.",
        ),
        (
            "large",
            ["--result=small_radii"],
            "--result=small_radii is for --attack=autoattack; give this, or leave it "
            "out.",
        ),
        (
            "large",
            ["--attack=autoattack", "--result=small_radii_pgd"],
            "--result=small_radii_pgd is for --attack=pgd; give this, or leave it out.",
        ),
        (
            "large",
            ["--attack=autoattack", "--refine_steps=0,2"],
            "--attack=autoattack stands for attacks on a deterministic classifier, "
            "JEM-0, and JEM-2 would refine the images by a sampler whose noise and "
            "gradients it does not know; choose --attack=pgd, which averages over the "
            "noise and takes both gradients of the refinement.",
        ),
        (
            "large",
            ["--refine_temperature=0.5"],
            "--refine_temperature=0.5 is no argument of the sampler sgld, which takes "
            "--refine_step_size, --refine_noise; leave it out.",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_a_line(runs, place, argv, says):
    ended = tool(runs / place, *(word.format(runs=runs) for word in argv))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"jem_tf: {says.format(runs=runs)}\n"
    assert not (runs / place / "results" / "robustness.json").exists()
