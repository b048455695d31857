"""How every evaluation goes: what it is given, what is written and printed."""

import json

import numpy as np
import pytest

from jem_tf import datasets
from jem_tf.commands import evaluation_command
from jem_tf.datasets import Split, splits
from jem_tf.evaluation import findings
from jem_tf.runs.run_folder import RunFolder
from tests import processes
from tests.commands.test_run_flags import parsed
from tests.datasets.test_tfds_sets import pictures, store


def test_the_first_images_are_as_many_as_the_limit_and_all_if_it_is_0():
    split = Split(np.arange(5), np.arange(5) * 2)
    for limit, count in ((3, 3), (0, 5), (9, 5)):
        some = evaluation_command.first_images(split, limit)
        np.testing.assert_array_equal(some.images, np.arange(count))
        np.testing.assert_array_equal(some.labels, np.arange(count) * 2)


def test_the_images_are_of_the_split_that_was_asked_for():
    test, held_out = (Split(np.arange(n), np.arange(n)) for n in (5, 7))
    data = datasets.Dataset(test, held_out, test, ("a",), flip=False)
    for on, limit, default, count in (
        ("test", 0, 0, 5),
        ("validation", 0, 0, 7),
        ("validation", 6, 3, 6),
        ("validation", 0, 3, 3),
        ("test", 0, 3, 3),
    ):
        context = evaluation_command.Context(None, data, limit, 0, "", "", None, on)
        images = evaluation_command.evaluated_images(context, default)
        np.testing.assert_array_equal(images.images, np.arange(count))
        np.testing.assert_array_equal(images.labels, np.arange(count))
    name = evaluation_command.name_images(data, 6, "validation")
    assert name == "the first 6 of the validation images"


def test_results_to_choose_by_have_names_of_their_own():
    assert evaluation_command.result_name("ood", "test") == "ood"
    assert evaluation_command.result_name("ood", "validation") == "validation_ood"


@pytest.mark.slow
def test_an_evaluation_gets_the_run_its_data_and_the_flags(trained, tmp_path, capsys):
    trained(tmp_path)
    seen = []

    def evaluation(context):
        seen.append(context)
        return findings.Findings({"number": 0.5}, {"how": "so"}, {})

    values = parsed(f"--workdir={tmp_path}", "--limit=7", "--seed=2")
    evaluation_command.run_evaluation("calibration", evaluation, values)
    (context,) = seen
    assert (context.limit, context.seed, context.run.step) == (7, 2, 12)
    assert len(context.data.test.labels) == 359
    written = findings.read_findings(RunFolder(tmp_path), "calibration")
    assert written["metrics"] == {"number": 0.5}
    protocol = written["protocol"]
    assert (protocol["how"], protocol["limit"], protocol["seed"]) == ("so", 7, 2)
    assert protocol["checkpoint_step"] == 12
    assert "number" in capsys.readouterr().out


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    """(run, data_dir) of a set whose test split was published without labels."""
    place, shape = tmp_path_factory.mktemp("hidden"), (8, 8, 3)
    written = {"train": pictures(60, shape), "test": pictures(9, shape, seed=1)}
    written["validation"] = pictures(7, shape, seed=2)
    labels = {"test": [-1] * 9}
    names = "0123456789"
    data = store(
        place / "tfds",
        "svhn_cropped",
        "3.1.0",
        written,
        shape=shape,
        names=names,
        labels=labels,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        given = ["--dataset=svhn_cropped:3.1.0", "--data_dir=tfds", "--flip=true"]
        processes.run_here(place / "run", "--steps=2", *given)
    return place / "run", data


@pytest.mark.slow
def test_a_validation_split_that_stands_in_is_named_in_the_protocol(hidden):
    """The run finds its data by the absolute path: --data_dir was a relative one."""
    run, _ = hidden
    tool = processes.ROOT / "tools" / "evaluate_calibration.py"
    ended = processes.tool_here(tool, f"--workdir={run}")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads((run / "results" / "calibration.json").read_text())
    protocol = found["protocol"]
    assert protocol["test_split"] == splits.VALIDATION_STANDS_IN
    assert protocol["images"] == f"the first 7 of {splits.VALIDATION_STANDS_IN}"
    assert protocol["test_images"] == 7
    assert 0 <= found["metrics"]["accuracy"] <= 1


@pytest.mark.slow
def test_auto_does_not_list_the_runs_own_set_under_another_name(hidden):
    run, _ = hidden
    tool = processes.ROOT / "tools" / "evaluate_ood.py"
    ended = processes.tool_here(tool, f"--workdir={run}", "--limit=5")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads((run / "results" / "ood.json").read_text())
    assert list(found["protocol"]["sets"]) == ["interpolation", "uniform", "constant"]
    assert "left out, not on the disk: cifar10, cifar100" in ended.out


def test_images_are_named_after_the_split_that_they_are_of():
    split = Split(np.arange(5), np.arange(5))
    data = datasets.Dataset(split, split, split, ("a",), flip=False)
    for source, name in (
        ("the test split", "the first 3 of the test split"),
        (
            splits.HELD_OUT,
            "the first 3 of the test images held out of the train split",
        ),
        (
            splits.VALIDATION_STANDS_IN,
            "the first 3 of the validation split, as there is no test split with "
            "labels",
        ),
    ):
        shown = data._replace(test_source=source)
        assert evaluation_command.name_images(shown, 3) == name
