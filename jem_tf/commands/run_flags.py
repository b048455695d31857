"""Flags of the commands that look at a trained run, and what an evaluation is."""

from collections.abc import Callable
from typing import Any, NamedTuple

from absl import flags

from jem_tf.commands.command import Subject
from jem_tf.datasets import Dataset, Split
from jem_tf.evaluation import findings, tables
from jem_tf.runs import loading

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


class Asked(NamedTuple):
    """What an evaluation looks at.

    run: loading.TrainedRun.
    data: the data set that it was trained on.
    limit: how many images at most; 0 for all.
    seed: of all that is random.
    data_dir: where prepared TFDS data are; "" for TFDS's own place.
    flags: the parsed flags, for those of the command's own.
    """

    run: loading.TrainedRun
    data: Dataset
    limit: int
    seed: int
    data_dir: str
    flags: Any


def define(values: flags.FlagValues, *, limit: bool = True) -> None:
    """Defines the flags of a run, with --limit if that is wanted."""
    subject = Subject(values, "The run")
    subject.text("workdir", None, "RUN, the folder of the run; it must be given")
    subject.switch("best", False, "take its best checkpoint on validation")
    if limit:
        subject.integer(
            "limit", 0, "images at most, for a quick look. 0: all of them", 0
        )
    subject.integer("seed", 0, "seed of all that is random", 0, 2**31 - 1)
    define_data_dir(subject)
    subject.choice(
        "precision",
        "",
        ["", *PRECISIONS],
        "precision of the network. Empty: as it was trained",
    )
    flags.mark_flag_as_required("workdir", values)


def define_data_dir(subject: Subject) -> None:
    """Defines --data_dir."""
    subject.text(
        "data_dir", "", "folder of prepared TFDS data. Empty: where the run had it"
    )


def read_run(values: flags.FlagValues) -> loading.TrainedRun:
    """Reads the run that the flags of `define` name."""
    return loading.read_run(
        values.workdir, best=values.best, precision=values.precision or None
    )


def evaluate(
    name: str,
    evaluation: Callable[[Asked], findings.Findings],
    values: flags.FlagValues,
) -> None:
    """Runs an evaluation of a run; writes and prints what it measures.

    Args:
      name: of the evaluation, as in `findings.write_findings`.
      evaluation: measures.
      values: parsed flags, those of `define` among them.
    """
    run = read_run(values)
    data_dir = values.data_dir or run.options.data.data_dir
    data = loading.read_data(run, data_dir)
    asked = Asked(run, data, values.limit, values.seed, data_dir, values)
    measured = evaluation(asked)
    given = {"seed": asked.seed, "limit": asked.limit}
    protocol = findings.provenance(run, data) | given | measured.protocol
    measured = measured._replace(protocol=protocol)
    written = findings.write_findings(run.folder, name, measured, run.step)
    print(f"\n{name} of {run.folder} at step {run.step}")
    print("\n".join(tables.format_metrics(measured.metrics)), end="\n\n")
    print(*written, sep="\n")


def first_images(split: Split, limit: int) -> Split:
    """The first `limit` images of a split and their labels; all if 0."""
    return Split(*(part[: limit or None] for part in split))
