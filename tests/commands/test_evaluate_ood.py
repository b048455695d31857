"""The tool, end to end: on a run of `flags/smoke.flags`, and on sets that are none."""

import json
import shutil

import pytest
from PIL import Image

from jem_tf import ood_scores
from jem_tf.commands import evaluate_ood
from tests.commands import flag_values
from tests.datasets.test_tfds_sets import CIFAR10, pictures, store
from tests.processes import ROOT, forked, run_here, tool_here

pytestmark = pytest.mark.slow

TOOL = ROOT / "tools" / "evaluate_ood.py"


def test_a_comma_in_a_name_is_quoted_as_the_help_says():
    words = ("--workdir=RUN", '--sets="folder:/a,b",svhn')
    values = flag_values.parsed(evaluate_ood.define, *words)
    assert values.sets == ["folder:/a,b", "svhn"]
    assert """'"folder:/a,b",svhn'""" in values["sets"].help


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """(run, {name: Ended}) of the tool, and then of the report."""
    place = tmp_path_factory.mktemp("runs")
    (place / "empty").mkdir()
    (place / "pictures").mkdir()
    for i in range(12):
        colour = (20 * i, 10, 200)
        Image.new("RGB", (20, 9), colour).save(place / "pictures" / f"{i}.png")
    run, data = place / "smoke", place / "tfds"
    data.mkdir()
    run_here(run, "--steps=3", f"--data_dir={data}")
    flags = [TOOL, f"--workdir={run}", "--limit=30"]
    with forked(*flags) as program:
        ended = {"auto": program.end()}
    auto = json.loads((run / "results" / "ood.json").read_text())
    auto["written"] = times_of_writing(run)
    named = [*flags, f"--sets=constant,folder:{place / 'pictures'}"]
    for path in ("old/pictures", "new/pictures", "svhn/test"):
        shutil.copytree(place / "pictures", place / path)
    alike = ",".join(f"folder:{place / p}" for p in ("old/pictures", "new/pictures"))
    (place / "link").symlink_to(place / "pictures")
    linked = f"folder:{place / 'link'},folder:{place / 'pictures'}"
    report = [ROOT / "tools" / "report.py", f"--workdir={run}"]
    for name, command in {
        "empty": [*flags, f"--sets=uniform,folder:{place / 'empty'}"],
        "missing": [*flags, "--sets=nonesuch"],
        "twice": [*flags, "--sets=uniform,uniform"],
        "groups": [*flags, "--sets=openood"],
        "alias": [*flags, "--sets=svhn,svhn_cropped"],
        "link": [*flags, f"--sets={linked}"],
        "alike": [*flags, f"--sets={alike},folder:{place / 'svhn' / 'test'}"],
        "named": [*named, "--energy_temperature=3"],
        "choose": [*named, "--on=validation", "--half=even"],
        "report": report,
        "nothing": [*report, "--baseline=/none"],
    }.items():
        ended[name] = tool_here(*command)
        if name == "alike":
            shutil.copy(run / "results" / "ood.json", place / "alike.json")
    return run, ended, auto


def times_of_writing(run):
    """{file of fitted scores: when it was written}."""
    files = (run / "fitted_scores").iterdir()
    return {file.name: file.stat().st_mtime_ns for file in files}


def test_auto_takes_what_needs_no_disk_and_says_what_it_leaves_out(told):
    _, ended, auto = told
    assert (ended["auto"].code, ended["auto"].err) == (0, "")
    assert "left out, not on the disk: svhn, cifar10, cifar100" in ended["auto"].out
    sets = ("interpolation", "uniform", "constant")
    assert tuple(auto["protocol"]["sets"]) == sets
    own = [name for name, score in ood_scores.SCORES.items() if not score.initial]
    assert list(auto["protocol"]["scores"]) == own
    assert auto["protocol"]["half"] == "all"
    assert auto["protocol"]["served_score"] == ood_scores.default_of(own)
    assert auto["protocol"]["served_score_source"]
    for name in sets:
        for score in own:
            for measure in ("auroc", "aupr", "aupr_out", "fpr95", "fpr95_out"):
                assert 0 <= auto["metrics"][f"{measure}/{name}/{score}"] <= 1
    assert "validation" in auto["protocol"]["energy_temperature_source"]


def test_a_folder_is_converted_and_the_protocol_says_how(told):
    run, ended, _ = told
    assert (ended["named"].code, ended["named"].err) == (0, "")
    found = json.loads((run / "results" / "ood.json").read_text())
    about = found["protocol"]["sets"]
    assert list(about) == ["constant", "pictures"]
    assert about["pictures"].startswith("12 images")
    assert "resized to 8x8" in about["pictures"]
    assert "made grey" in about["pictures"]
    assert found["protocol"]["energy_temperature"] == 3
    with Image.open(run / "figures" / "ood_log_px.png") as picture:
        picture.load()


def test_a_choice_is_made_on_validation_images_and_replaces_no_result(told):
    run, ended, _ = told
    assert (ended["choose"].code, ended["choose"].err) == (0, "")
    test, chosen = (
        json.loads((run / "results" / f"{name}.json").read_text())
        for name in ("ood", "validation_ood")
    )
    assert test["protocol"]["half"] == "all"
    protocol, metrics = chosen["protocol"], chosen["metrics"]
    assert protocol["half"] == "even"
    assert protocol["images"] == "the first 30 of the validation images, the positives"
    assert protocol["sets"]["pictures"].startswith("6 images")
    assert "log_px/test" not in metrics
    assert metrics["log_px/validation"] != test["metrics"]["log_px/test"]
    assert (run / "figures" / "validation_ood_log_px.png").exists()


def test_what_was_fitted_stays_in_the_run_and_is_fitted_once(told):
    run, _, auto = told
    assert times_of_writing(run) == auto["written"] != {}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty", "holds no pictures; name a folder that does."),
        ("missing", "--sets=nonesuch is no data set that TFDS knows"),
        ("twice", "--sets=uniform,uniform must name sets, none of them twice."),
        ("alias", "none of them twice; svhn and svhn_cropped are one."),
        ("link", "pictures are one."),
        ("groups", "--sets=openood has groups for cifar10 and cifar100, and the run"),
    ],
)
def test_sets_that_are_none_are_refused_in_a_line(told, name, says):
    _, ended, _ = told
    assert ended[name].code == 1
    assert ended[name].err.startswith("jem_tf: ")
    assert says in ended[name].err
    assert ended[name].err.count("\n") == 1


def test_folders_of_one_name_have_keys_of_their_own(told):
    run, ended, _ = told
    assert (ended["alike"].code, ended["alike"].err) == (0, "")
    found = json.loads((run.parent / "alike.json").read_text())
    keys = ["old-pictures", "new-pictures", "svhn-test"]
    assert list(found["protocol"]["sets"]) == keys
    metrics = found["metrics"]
    means = [metrics[f"log_px/{key}"] for key in keys]
    assert means == [means[0]] * 3 != [metrics["log_px/test"]] * 3
    for key in keys:
        assert f"auroc/{key}/log_px_ci" in metrics


def test_a_run_on_cifar10_has_the_groups_whose_sets_are_there(tmp_path):
    data, run = str(tmp_path / "tfds"), tmp_path / "run"
    own = {"train": pictures(90), "test": pictures(20, seed=1)}
    store(data, "cifar10", "3.0.2", own, names=CIFAR10)
    for name in ("dtd32", "tin", "birds"):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("RGB", (9, 9), (80 * i, 9, 9)).save(tmp_path / name / f"{i}.png")
    run_here(run, "--steps=1", "--dataset=cifar10", f"--data_dir={data}")
    sets = ",".join(f"folder:{tmp_path / name}" for name in ("birds", "dtd32", "tin"))
    ended = tool_here(TOOL, f"--workdir={run}", f"--sets=openood,{sets}")
    assert (ended.code, ended.err) == (0, "")
    assert "left out, not on the disk: cifar100, mnist, svhn, places365" in ended.out
    found = json.loads((run / "results" / "ood.json").read_text())
    metrics, groups = found["metrics"], found["protocol"]["openood"]
    assert groups["near"] == {"tinyimagenet": f"folder:{tmp_path / 'tin'}"}
    assert groups["far"] == {"textures": f"folder:{tmp_path / 'dtd32'}"}
    assert groups["not_measured"] == ["cifar100", "mnist", "svhn", "places365"]
    for score in found["protocol"]["scores"]:
        for group, key in (("near", "tin"), ("far", "dtd32")):
            mean = metrics[f"openood/{score}/{group}_auroc"]
            assert mean == metrics[f"auroc/{key}/{score}"]
        passes = found["protocol"]["passes"][score]
        assert metrics[f"openood/{score}/backward_passes"] == passes["backward"]
    assert "auroc/birds/max_p" in metrics  # measured, and in no group
    with Image.open(run / "figures" / "ood_groups.png") as picture:
        picture.load()


def test_the_report_shows_what_was_found(told):
    run, ended, _ = told
    assert ended["report"] == (0, f"{run / 'report.html'}\n", "")
    page = (run / "report.html").read_text()
    assert "auroc" in page
    assert "data:image/png;base64," in page
    assert ended["nothing"].code == 1
    assert "/none holds no run of jem_tf" in ended["nothing"].err
