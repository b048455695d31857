"""`jem-tf evaluate all`: every evaluation of a run, of its baseline and other seeds."""

import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from jem_tf.commands import evaluate_all_runs, evaluate_all_tasks, report, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.commands.evaluate_all_parts import KINDS
from jem_tf.commands.evaluate_all_runs import ComparedRuns
from jem_tf.commands.evaluate_all_tasks import Task
from jem_tf.errors import InputError, argument
from jem_tf.evaluation import findings, seed_summary
from jem_tf.system import console, files


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "What to measure")
    group.switch(
        "quick",
        False,
        "minutes in place of an hour: 500 images, corruptions of severity 3 alone, 700 "
        "samples by the features of the run's own network, PGD on 20 images in place "
        "of AutoAttack. A part that is measured in full is kept",
    )
    group.text(
        "baseline",
        "",
        "RUN2, a run to compare with; its own parts are measured after those of RUN. "
        "Empty: none",
    )
    group.texts(
        "seeds",
        [],
        "RUN3,...: runs of the recipe of RUN with other seeds, which are measured "
        "last, for means and standard deviations over seeds",
    )
    group.texts("parts", [], f"some of {', '.join(KINDS)}. Empty: all of them")
    group.texts(
        "sets",
        [],
        "sets of outliers, beside those on the disk, as in `jem-tf evaluate ood`",
    )
    group.choice(
        "features",
        "",
        ["", "inception", "network"],
        "network that computes the features of samples. Empty: inception, or the run's "
        "own network if the images are too small for it",
    )
    group.text(
        "inception", "", "path of Inception's graph, as in `jem-tf evaluate samples`"
    )
    group.integer(
        "limit", 0, "largest number of images. 0: as many as each part takes", 0
    )
    run_flags.define(values, limit=False)


def run(values: flags.FlagValues) -> None:
    """Measures the parts that are not measured yet, and writes the report."""
    check_parts(values.parts)
    evaluate_all_runs.check_writable([values.baseline, *values.seeds])
    run_flags.use_own_folder(values)
    runs = evaluate_all_runs.read_runs(
        values.workdir, values.baseline, values.seeds, best=values.best
    )
    tasks = evaluate_all_tasks.list_tasks(runs, values)
    try:
        evaluate_all_tasks.measure_all(tasks)
    except KeyboardInterrupt:
        done = sum(task.is_done() for task in tasks)
        console.end_interrupted(
            f"jem_tf: interrupted; {done} of {len(tasks)} parts are measured and kept, "
            "and the same command goes on."
        )
    written = [write_seeds(runs, tasks)] if runs.seeds else []
    print("\n".join(["", *list_outcomes(tasks), ""]))
    write_report(values)
    print(*written, sep="\n", end="\n" * bool(written))


def check_parts(names: Sequence[str]) -> None:
    """Checks that --parts names parts.

    Raises:
      InputError: if it names something else.
    """
    if unknown := [name for name in names if name not in KINDS]:
        raise InputError(
            f"{argument('parts', ','.join(names))} must name parts, and {unknown[0]} "
            f"is none; choose some of {', '.join(KINDS)}."
        )


def list_outcomes(tasks: Sequence[Task]) -> list[str]:
    """Lists the outcome of each part, with its seconds and what is not there."""
    lines = []
    for task in tasks:
        state = task.read_state()
        if state is None:
            continue
        took = f"{state.seconds:.0f} s" if state.measured else ""
        outcome = state.outcome.removesuffix(".")
        lines.append(f"  {task.part.name:<16}{took:>8}  {outcome}: {task.folder}")
        lines += [f"{'':28}not on the disk: {a}" for a in state.conditions.absent]
    return lines


def write_seeds(runs: ComparedRuns, tasks: Sequence[Task]) -> pathlib.Path:
    """Writes and prints means and standard deviations over the runs of a recipe.

    Parts that are not measured of each run, by equal flags, are left out.

    Returns:
      The file written.
    """
    alike = [runs.run, *runs.seeds]
    own = {one.folder: [t for t in tasks if t.run is one] for one in alike}
    done = [evaluate_all_tasks.flags_of_done(some) for some in own.values()]
    names = [
        name
        for name in KINDS
        if all(name in some and some[name] == done[0][name] for some in done)
    ]
    results = [{n: read_metrics(one, n) for n in names} for one in alike]
    summaries = seed_summary.summarise_runs(results)
    protocol = {
        "runs": [str(one.folder) for one in alike],
        "seeds": [one.seed for one in alike],
        "checkpoint_steps": [one.step for one in alike],
        "not_measured": sorted(set().union(*done) - set(names)),
        "definitions": seed_summary.DEFINITIONS,
    }
    if len({one.step for one in alike}) > 1:
        console.say(f"mind: the runs are at steps {protocol['checkpoint_steps']}")
    print(
        f"\nmean +- standard deviation over {len(alike)} seeds, and each run's number"
    )
    print("\n".join(seed_summary.format_headlines(summaries)))
    path = runs.run.folder.result(seed_summary.NAME)
    files.write_json(path, {"metrics": summaries, "protocol": protocol})
    return path


def read_metrics(run: evaluate_all_runs.ComparedRun, name: str) -> dict[str, Any]:
    """The metrics of a part that is measured."""
    return (findings.read_findings(run.folder, name) or {})["metrics"]


def write_report(given: Any) -> None:
    """Writes the report of the run, beside its baseline if there is one."""
    values = flags.FlagValues()
    report.COMMAND.define(values)
    words = [f"--{name}={given[name].value}" for name in ("workdir", "baseline")]
    values(["jem-tf report", *words])
    report.COMMAND.run(values)


COMMAND = Command(
    "evaluate all",
    """
Measures all that there is to measure of a trained run, and writes the report: the
commands `jem-tf evaluate ...` and `jem-tf diagnose`, one after the other. What is
measured is kept, so that the same command goes on where it was killed; a part is
measured again if the run was trained further, or its flags are others. What cannot be
measured, as a set that is not on the disk, is named, and the others go on.

    jem-tf evaluate all --workdir=RUN --quick
    jem-tf evaluate all --workdir=RUN --baseline=RUN2 --seeds=RUN3,RUN4

Writes what these commands write, RUN/results/all.json, RUN/results/seeds.json and
RUN/report.html.
""",
    define,
    run,
)
