"""The parts of all runs in turn: their order, their conditions, the time left."""

import json

import pytest

from jem_tf.commands import evaluate_all, evaluate_all_tasks
from jem_tf.commands.evaluate_all_parts import Part
from jem_tf.commands.evaluate_all_runs import ComparedRuns
from jem_tf.evaluation import part_states
from jem_tf.evaluation.part_states import Conditions, PartState
from jem_tf.system import files
from tests.commands.test_evaluate_all_parts import a_run, given

Task = evaluate_all_tasks.Task


@pytest.fixture
def runs(tmp_path):
    """A run at step 12, its baseline at 20, and one of another seed at 12."""
    ours, plain, other = (tmp_path / name for name in ("ours", "plain", "other"))
    for place in (ours, plain, other):
        place.mkdir()
    return ComparedRuns(a_run(ours), a_run(plain)._replace(step=20), (a_run(other),))


def test_the_run_comes_first_then_its_baseline_then_the_seeds(runs):
    words = ("--parts=chains,robustness", "--baseline=plain")
    tasks = evaluate_all_tasks.list_tasks(runs, given(*words))
    expected = [
        (run, name) for run in runs.in_order() for name in ("chains", "robustness")
    ]
    assert [(task.run, task.part.name) for task in tasks] == expected
    assert runs.in_order() == [runs.run, runs.baseline, *runs.seeds]


def test_numbers_of_a_comparison_depend_on_the_baselines_step(runs):
    words = ("--parts=chains,robustness", "--baseline=plain")
    tasks = evaluate_all_tasks.list_tasks(runs, given(*words))
    steps = [task.accepted[0].baseline_step for task in tasks]
    assert steps == [None, 20, None, None, None, 20]
    assert [task.accepted[0].step for task in tasks] == [12, 12, 20, 20, 12, 12]


def test_another_training_of_as_many_steps_is_measured_again(runs):
    def conditions(runs):
        tasks = evaluate_all_tasks.list_tasks(runs, given("--baseline=plain"))
        return {task.part.name: task.accepted for task in tasks if task.run == runs.run}

    before = conditions(runs)
    other = conditions(
        runs._replace(baseline=runs.baseline._replace(checkpoint="another"))
    )
    changed = {name for name in before if before[name] != other[name]}
    assert {"robustness"} <= changed < {*before}
    again = conditions(runs._replace(run=runs.run._replace(checkpoint="another")))
    assert not any(before[name] == again[name] for name in before)


def test_what_is_measured_in_full_does_for_quick_and_not_the_other_way(runs):
    alone = ComparedRuns(runs.run, None, ())
    (full,) = evaluate_all_tasks.list_tasks(alone, given("--parts=chains"))
    (quick,) = evaluate_all_tasks.list_tasks(alone, given("--parts=chains", "--quick"))
    folder = runs.run.folder
    folder.results.mkdir()
    folder.result("chains").write_text("numbers")
    digest = part_states.digest_result(folder, "chains")
    for task, done in ((full, (True, True)), (quick, (False, True))):
        state = PartState(task.accepted[0], part_states.MEASURED, 1.0, digest)
        part_states.write_state(folder, "chains", state)
        assert (full.is_done(), quick.is_done()) == done
        measured = {"chains": task.accepted[0].argv}
        assert evaluate_all_tasks.flags_of_done([quick]) == measured
        assert evaluate_all_tasks.flags_of_done([full]) == (measured if done[0] else {})


def test_what_is_measured_in_full_of_one_run_and_quickly_of_another_has_no_mean(runs):
    both = ComparedRuns(runs.run, None, runs.seeds)
    tasks = evaluate_all_tasks.list_tasks(both, given("--parts=chains", "--quick"))
    assert [task.run for task in tasks] == [runs.run, *runs.seeds]
    for task, conditions in zip(tasks, reversed(tasks[0].accepted), strict=True):
        task.folder.results.mkdir()
        files.write_json(
            task.folder.result("chains"), {"metrics": {"rhat": 1.0}, "protocol": {}}
        )
        digest = part_states.digest_result(task.folder, "chains")
        state = PartState(conditions, part_states.MEASURED, 1.0, digest)
        part_states.write_state(task.folder, "chains", state)
        assert task.is_done()
    found = json.loads(evaluate_all.write_seeds(both, tasks).read_text())
    assert found["protocol"]["not_measured"] == ["chains"]
    assert found["metrics"] == {}


def tasks_of(run, **seconds):
    parts = [Part(name, "", (name,), (name,), s) for name, s in seconds.items()]
    return [Task(run, part, (Conditions(part.argv, 12),)) for part in parts]


def test_the_time_left_is_that_of_before_or_a_guess_to_scale(runs):
    tasks = tasks_of(runs.run, a=100.0, b=50.0, c=10.0)
    estimate = evaluate_all_tasks.estimate_left
    assert estimate(tasks, {}, tasks) == 160
    times = {tasks[0].key: 20.0}  # a fifth of its guess: so are the others
    assert estimate(tasks[1:], times, tasks) == 12
    times[tasks[1].key] = 40.0  # 60 s in place of 150
    assert estimate(tasks[1:], times, tasks) == 40 + 0.4 * 10


def test_what_is_guessed_is_said(runs):
    tasks = tasks_of(runs.run, a=100.0, b=50.0)
    say = evaluate_all_tasks.describe_left
    assert say(tasks, {}, tasks).startswith("about 2 min for the 2 parts (a rough gue")
    times = {tasks[0].key: 200.0}
    assert (
        say(tasks, times, tasks) == "about 5 min for the 2 parts (1 by a rough guess)"
    )
    assert say(tasks[:1], times, tasks) == (
        "about 3 min for the last part (as they took before)"
    )


def test_seconds_are_of_this_machine_and_these_flags(runs):
    (task,) = evaluate_all_tasks.list_tasks(
        ComparedRuns(runs.run, None, ()), given("--parts=chains")
    )
    older = Conditions(task.part.argv, 3)  # of another step they count
    state = PartState(older, part_states.MEASURED, 7.0, "sha")
    for other, known in (
        (state, {task.key: 7.0}),
        (state._replace(machine="another"), {}),
        (state._replace(conditions=Conditions(("--steps=9",), 12)), {}),
        (state._replace(outcome="not measured: so."), {}),
    ):
        part_states.write_state(runs.run.folder, "chains", other)
        assert evaluate_all_tasks.known_times([task]) == known
