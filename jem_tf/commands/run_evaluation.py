"""The steps of every `jem-tf evaluate`: read the run, measure, write, print."""

from collections.abc import Callable
from typing import Any, NamedTuple

from absl import flags

from jem_tf.commands import run_flags
from jem_tf.datasets import Dataset, Split
from jem_tf.evaluation import findings, tables
from jem_tf.runs import loading


class Context(NamedTuple):
    """What an evaluation gets.

    run: loading.TrainedRun.
    data: the data set that it was trained on.
    limit: how many images at most; 0 for all.
    seed: int, for all that is random.
    data_dir: folder of prepared TFDS data; "" for TFDS's own folder.
    flags: all parsed flags, with those of the command itself.
    """

    run: loading.TrainedRun
    data: Dataset
    limit: int
    seed: int
    data_dir: str
    flags: Any


def run_evaluation(
    name: str,
    evaluation: Callable[[Context], findings.Findings],
    values: flags.FlagValues,
) -> None:
    """Runs an evaluation of a run, and writes and prints its findings.

    Args:
      name: of the evaluation, as in `findings.write_findings`.
      evaluation: the function that measures.
      values: parsed flags, with those of `run_flags.define`.
    """
    run = run_flags.read_run(values)
    data_dir = values.data_dir or run.options.data.data_dir
    data = loading.read_data(run, data_dir)
    context = Context(run, data, values.limit, values.seed, data_dir, values)
    measured = evaluation(context)
    given = {"seed": context.seed, "limit": context.limit}
    protocol = findings.provenance(run, data) | given | measured.protocol
    measured = measured._replace(protocol=protocol)
    written = findings.write_findings(run.folder, name, measured, run.step)
    print(f"\n{name} of {run.folder} at step {run.step}")
    print("\n".join(tables.format_metrics(measured.metrics)), end="\n\n")
    print(*written, sep="\n")


def first_images(split: Split, limit: int) -> Split:
    """The first `limit` images of a split and their labels; all if 0."""
    return Split(*(part[: limit or None] for part in split))
