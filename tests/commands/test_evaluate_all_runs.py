"""Which runs can be compared: a run, its baseline, and other seeds of its recipe."""

import dataclasses
import re

import pytest

from jem_tf.commands import evaluate_all_runs
from jem_tf.commands.evaluate_all_runs import ComparedRun
from jem_tf.errors import InputError
from jem_tf.options import Options, Training
from jem_tf.runs.run_folder import DataDescription, RunFolder

DATA = DataDescription((8, 8, 1), ("a", "b"), {"train": 1}, {"train": "x", "test": "y"})


def a_run(name, seed=0, data=DATA, **training):
    options = Options(training=Training(seed=seed, **training))
    return ComparedRun(RunFolder(name), options, data, 12, "a sha256")


def test_seeds_and_free_options_may_differ():
    run = a_run("a")
    evaluate_all_runs.check_recipe(run, a_run("b", 1, workdir="b", export=False))
    evaluate_all_runs.check_seed(a_run("c", 2), [run, a_run("b", 1)])
    assert a_run("c", 2).seed == 2


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (
            a_run("b", 1, learning_rate=0.5),
            "seeds=b is of another recipe than a (learning_rate 0.5, and not 0.0001); "
            "name runs that differ in their seed alone.",
        ),
        (a_run("b", 1, steps=5), "is of another recipe than a (steps 5, and not 0)"),
        (
            a_run("b", 1, DATA._replace(digests={"train": "x", "test": "z"})),
            "seeds=b was trained on other data than a (other images or labels to test)",
        ),
    ],
)
def test_another_recipe_or_other_data_are_refused(other, says):
    with pytest.raises(InputError, match=re.escape(says)):
        evaluate_all_runs.check_recipe(a_run("a"), other)


def test_a_seed_that_is_there_is_refused():
    says = "seeds=c has the seed 1, as b has; name runs of different seeds."
    with pytest.raises(InputError, match=says):
        evaluate_all_runs.check_seed(a_run("c", 1), [a_run("a"), a_run("b", 1)])


def test_a_baseline_has_the_same_images_and_classes():
    run = a_run("a")
    evaluate_all_runs.check_baseline(run, a_run("b", data=DATA._replace(digests=None)))
    for changed in ({"image_shape": (9, 8, 1)}, {"class_names": ("a", "c")}):
        other = a_run("b", data=DATA._replace(**changed))
        with pytest.raises(InputError, match="baseline=b has other images or classes"):
            evaluate_all_runs.check_baseline(run, other)


@pytest.mark.slow
def test_runs_are_read_with_their_steps_and_none_twice(trained, tmp_path):
    ours, other = trained(tmp_path / "ours"), trained(tmp_path / "other")
    runs = evaluate_all_runs.read_runs(str(ours), str(other), [])
    assert (runs.run.step, runs.run.seed, runs.seeds) == (12, 0, ())
    assert [one.folder.root for one in runs.in_order()] == [ours, other]
    flags = other / "run.flags"
    flags.write_text(flags.read_text().replace("--seed=0\n", "--seed=1\n"))
    runs = evaluate_all_runs.read_runs(str(ours), "", [str(other)])
    assert dataclasses.replace(
        runs.seeds[0].options, training=runs.run.options.training
    ) == (runs.run.options)
    for baseline, seeds in ((ours / "..", []), (other, [str(other)])):
        with pytest.raises(InputError, match=r"is named twice|holds no run of jem_tf"):
            evaluate_all_runs.read_runs(str(ours), str(baseline), seeds)
