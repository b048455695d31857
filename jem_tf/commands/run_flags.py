"""Flags of the commands that read a trained run."""

from absl import flags

from jem_tf.commands.command import FlagGroup
from jem_tf.runs import loading

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
SPLITS = ("test", "validation")


def define(
    values: flags.FlagValues, *, limit: bool = True, splits: bool = False
) -> None:
    """Defines the flags of a run, with --limit if `limit`, with --on if `splits`."""
    group = FlagGroup(values, "The run")
    group.text("workdir", None, "RUN, the folder of the run; it must be given")
    group.switch("best", False, "use the best checkpoint on validation, not the newest")
    if limit:
        group.integer("limit", 0, "largest number of images. 0: all of them", 0)
    if splits:
        group.choice(
            "on",
            "test",
            SPLITS,
            "images of the run's data set to evaluate. validation: to choose by; the "
            "results are RUN/results/validation_NAME.json",
        )
    group.integer("seed", 0, "seed of all that is random", 0, 2**31 - 1)
    define_data_dir(group)
    group.choice(
        "precision",
        "",
        ["", *PRECISIONS],
        "precision of the network. Empty: that of the training",
    )
    flags.mark_flag_as_required("workdir", values)


def define_data_dir(group: FlagGroup) -> None:
    """Defines --data_dir."""
    group.text(
        "data_dir",
        "",
        "folder of prepared TFDS data; of a run on folder:PATH, also the place where "
        "that folder is now. Empty: the one of the training",
    )


def read_run(values: flags.FlagValues) -> loading.TrainedRun:
    """Reads the run that the flags of `define` name."""
    return loading.read_run(
        values.workdir, best=values.best, precision=values.precision or None
    )
