"""Flags of the commands that look at a trained run."""

from absl import flags

from jem_tf.commands.command import FlagGroup
from jem_tf.runs import loading

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def define(values: flags.FlagValues, *, limit: bool = True) -> None:
    """Defines the flags of a run, with --limit if that is wanted."""
    group = FlagGroup(values, "The run")
    group.text("workdir", None, "RUN, the folder of the run; it must be given")
    group.switch("best", False, "take its best checkpoint on validation")
    if limit:
        group.integer("limit", 0, "images at most, for a quick look. 0: all of them", 0)
    group.integer("seed", 0, "seed of all that is random", 0, 2**31 - 1)
    define_data_dir(group)
    group.choice(
        "precision",
        "",
        ["", *PRECISIONS],
        "precision of the network. Empty: as it was trained",
    )
    flags.mark_flag_as_required("workdir", values)


def define_data_dir(group: FlagGroup) -> None:
    """Defines --data_dir."""
    group.text(
        "data_dir", "", "folder of prepared TFDS data. Empty: where the run had it"
    )


def read_run(values: flags.FlagValues) -> loading.TrainedRun:
    """Reads the run that the flags of `define` name."""
    return loading.read_run(
        values.workdir, best=values.best, precision=values.precision or None
    )
