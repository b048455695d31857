"""The steps of every `jem-tf evaluate`: read the run, measure, write, print."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from absl import flags

from jem_tf import datasets
from jem_tf.commands import run_flags
from jem_tf.datasets import Dataset, Split, set_names, splits
from jem_tf.evaluation import findings, tables
from jem_tf.options import Data
from jem_tf.runs import loading
from jem_tf.runs.run_folder import RunFolder
from jem_tf.system import files


class Context(NamedTuple):
    """What an evaluation gets.

    run: loading.TrainedRun.
    data: the data set that it was trained on.
    limit: how many images at most; 0 for all.
    seed: int, for all that is random.
    place: the folder that its data were read from; "" for none.
    data_dir: folder of prepared TFDS data; "" for TFDS's own folder.
    flags: all parsed flags, with those of the command itself.
    on: the split to evaluate, one of `run_flags.SPLITS`.
    """

    run: loading.TrainedRun
    data: Dataset
    limit: int
    seed: int
    place: str
    data_dir: str
    flags: Any
    on: str = "test"


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
    run_flags.use_own_folder(values)
    run = run_flags.read_run(values)
    findings.check_writable(run.folder)
    data = loading.read_data(run, values.data_dir)
    place, data_dir = find_places(run.options.data, run.folder, values.data_dir)
    on = values.on if "on" in values else "test"
    context = Context(run, data, values.limit, values.seed, place, data_dir, values, on)
    measured = evaluation(context)
    given = {"seed": context.seed, "limit": context.limit}
    protocol = findings.provenance(run, data) | given | measured.protocol
    measured = measured._replace(protocol=protocol)
    name = result_name(name, on)
    print(f"\n{name} of {run.folder} at step {run.step}")
    print("\n".join(tables.format_metrics(measured.metrics)), end="\n\n")
    print(*findings.write_findings(run.folder, name, measured, run.step), sep="\n")


def find_places(options: Data, folder: RunFolder, data_dir: str) -> tuple[str, str]:
    """Finds (where a run's data are, where TFDS sets are): a `Context`'s places.

    Args:
      options: of the run's data.
      folder: of the run.
      data_dir: as the user gave it; "" for nothing.
    """
    data_dir = loading.find_data_dir(options, folder.read_description(), data_dir)
    place = datasets.place_of(options.dataset, data_dir)
    pictures = set_names.folder_of(options.dataset) is not None
    own = data_dir and os.path.abspath(files.expand(data_dir)) == place
    return place, "" if pictures and own else data_dir


def result_name(name: str, on: str) -> str:
    """The name of the results: those to choose by do not replace the test's."""
    return name if on == "test" else f"{on}_{name}"


def evaluated_images(context: Context, default_limit: int = 0) -> Split:
    """The images that --on and --limit name, and their labels.

    Args:
      context: Context.
      default_limit: how many images at most without a --limit; 0 for all.
    """
    data = context.data
    split = data.test if context.on == "test" else data.validation
    return first_images(split, context.limit or default_limit)


def name_images(data: Dataset, count: int, on: str = "test") -> str:
    """Says in a protocol which images of a split an evaluation looked at."""
    if on == "validation":
        return f"the first {count} of the validation images"
    held_out = data.test_source == splits.HELD_OUT
    source = "the test images held out of the train split"
    return f"the first {count} of {source if held_out else data.test_source}"


def first_images(split: Split, limit: int) -> Split:
    """The first `limit` images of a split and their labels; all if 0."""
    return Split(*(part[: limit or None] for part in split))
