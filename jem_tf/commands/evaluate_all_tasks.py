"""Measures parts of `jem-tf evaluate all` in turn, and keeps each as it is done."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from jem_tf.commands import evaluate_all_parts
from jem_tf.commands.command import FLAG_NAMES
from jem_tf.commands.evaluate_all_parts import Part
from jem_tf.commands.evaluate_all_runs import ComparedRun, ComparedRuns
from jem_tf.errors import InputError
from jem_tf.evaluation import part_states
from jem_tf.evaluation.part_states import Conditions, PartState
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import console

Times = dict[tuple[str, tuple[str, ...] | None], float]  # {Task.key: seconds}


class Task(NamedTuple):
    """A part of one run.

    accepted: conditions that its numbers may be measured under, its own first.
    """

    run: ComparedRun
    part: Part
    accepted: tuple[Conditions, ...]

    @property
    def folder(self) -> RunFolder:
        """Of the run."""
        return self.run.folder

    @property
    def key(self) -> tuple[str, tuple[str, ...] | None]:
        """What its seconds are known by: name and flags, of any run."""
        return self.part.name, self.part.argv

    def read_state(self) -> PartState | None:
        """What became of it; None if nothing yet."""
        return part_states.read_states(self.folder).get(self.part.name)

    def is_done(self) -> bool:
        """Whether its numbers are there."""
        name, state = self.part.name, self.read_state()
        return part_states.is_done(self.folder, name, state, self.accepted)


def list_tasks(runs: ComparedRuns, given: Any) -> list[Task]:
    """Lists all parts of all runs, in the order in which they are measured.

    Args:
      runs: ComparedRuns.
      given: parsed flags of `evaluate all`.

    Raises:
      InputError: as `evaluate_all_parts.list_parts` does.
    """
    tasks = []
    for run in runs.in_order():
        compared = None if run is runs.baseline else runs.baseline
        for part in evaluate_all_parts.list_parts(
            run, given, baseline=compared is not None
        ):
            compares = any(word.startswith("--baseline=") for word in part.full)
            accepted = (
                conditions_of(run, compared if compares else None, part, argv)
                for argv in (part.argv, part.full)
                if argv is not None
            )
            tasks.append(Task(run, part, tuple(accepted)))
    return tasks


def conditions_of(
    run: ComparedRun, baseline: ComparedRun | None, part: Part, argv: tuple[str, ...]
) -> Conditions:
    """What a part's numbers depend on; the baseline if they are compared with it."""
    step, checkpoint = (
        (None, "") if baseline is None else (baseline.step, baseline.checkpoint)
    )
    return Conditions(argv, run.step, step, part.absent, run.checkpoint, checkpoint)


def flags_of_done(tasks: Sequence[Task]) -> dict[str, tuple[str, ...]]:
    """The flags by which the parts that are done were measured: {part: flags}."""
    states = {task.part.name: task.read_state() for task in tasks if task.is_done()}
    return {name: state.conditions.argv for name, state in states.items() if state}


def measure_all(tasks: Sequence[Task]) -> None:
    """Measures what is not measured yet; what is done is kept if the program is killed.

    Raises:
      OSError: if a run cannot be written.
    """
    times = known_times(tasks)
    left = [task for task in tasks if not task.is_done()]
    for number, task in enumerate(tasks, 1):
        head = f"[{number}/{len(tasks)}] {task.part.name} of {task.folder}"
        if task not in left:
            console.say(f"{head}: kept, as it is measured")
            continue
        console.say(f"{head}: {describe_left(left, times, tasks)}")
        state = measure(task)
        part_states.write_state(task.folder, task.part.name, state)
        left = left[1:]
        if state.measured:
            times[task.key] = state.seconds
        else:
            console.say(f"{head}: {state.outcome}")


def measure(task: Task) -> PartState:
    """Measures a part of a run.

    Raises:
      OSError: if the run cannot be written.
    """
    part, start, reason = task.part, time.monotonic(), ""
    try:
        if part.argv is None:
            reason = evaluate_all_parts.NOT_QUICK
        else:
            evaluate_all_parts.measure(part, task.folder)
    except InputError as error:
        reason = error.with_flags(FLAG_NAMES)
    outcome = part_states.NOT_MEASURED + reason if reason else part_states.MEASURED
    digest = "" if reason else part_states.digest_result(task.folder, part.name)
    seconds = round(time.monotonic() - start, 3)
    return PartState(task.accepted[0], outcome, seconds, digest)


def known_times(tasks: Sequence[Task]) -> Times:
    """Reads how long parts took on this machine, in the runs of these tasks."""
    times: Times = {}
    for task in tasks:
        state = task.read_state()
        if state is None or not state.measured or state.machine != part_states.MACHINE:
            continue
        if state.conditions.argv == task.part.argv:
            times[task.key] = state.seconds
    return times


def describe_left(left: Sequence[Task], times: Times, tasks: Sequence[Task]) -> str:
    """Says how long the parts that are left may take, and how far that is a guess."""
    seconds = estimate_left(left, times, tasks)
    about = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    guessed = sum(task.key not in times for task in left)
    basis = "as they took before"
    if guessed == len(left) and not times:
        basis = f"a rough guess, for {evaluate_all_parts.GUESSED_FOR}"
    elif guessed:
        basis = f"{guessed} by a rough guess"
    parts = f"{len(left)} parts" if len(left) > 1 else "last part"
    return f"about {about} for the {parts} ({basis})"


def estimate_left(left: Sequence[Task], times: Times, tasks: Sequence[Task]) -> float:
    """Estimates in seconds how long parts take.

    A part takes what it took before. One that is not known takes its guess, times how
    much longer than their guesses the known ones took.

    Args:
      left: the parts to measure.
      times: {Task.key: seconds} of the parts that are known.
      tasks: all parts.
    """
    guesses = {task.key: task.part.seconds for task in tasks}
    usual = sum(guesses[key] for key in times)
    factor = sum(times.values()) / usual if usual else 1.0
    return sum(times.get(task.key, factor * guesses[task.key]) for task in left)
