"""Flags of the commands that read a trained run."""

from absl import flags

from jem_tf.commands.command import FlagGroup
from jem_tf.errors import InputError, argument
from jem_tf.options import PRECISIONS
from jem_tf.runs import loading, pretrained_models

SPLITS = ("test", "validation")


def define(
    values: flags.FlagValues,
    *,
    limit: bool = True,
    limit_of_0: str = "all of them",
    splits: bool = False,
    results: bool = True,
) -> None:
    """Defines the flags of a run.

    Args:
      values: where they go.
      limit: whether there is --limit.
      limit_of_0: how many images a limit of 0 means, for the help.
      splits: whether there is --on.
      results: whether results go to the run's folder, so that there is --out.
    """
    group = FlagGroup(values, "The run")
    define_workdir(group, results=results)
    group.switch("best", False, "use the best checkpoint on validation, not the newest")
    if limit:
        group.integer("limit", 0, f"largest number of images. 0: {limit_of_0}", 0)
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


def define_workdir(group: FlagGroup, *, results: bool = True) -> None:
    """Defines --workdir, also as --model, and --out if results go to its folder."""
    group.text(
        "workdir",
        None,
        "RUN, the folder of the run, or the name of a pretrained model; it must be "
        "given",
    )
    group.alias("model", "workdir")
    if results:
        group.text(
            "out",
            "",
            "folder for the results of a pretrained model, which is made a copy of it. "
            "Empty: RUN",
        )


def define_data_dir(group: FlagGroup) -> None:
    """Defines --data_dir."""
    group.text(
        "data_dir",
        "",
        "folder of prepared TFDS data; of a run on folder:PATH, also the place where "
        "that folder is now. Empty: the one of the training",
    )


def use_own_folder(values: flags.FlagValues) -> None:
    """Points --workdir to --out, a copy of it, if it names a pretrained model.

    Raises:
      InputError: if the one flag does not go with the other, or as
        `pretrained_models.copy`.
    """
    folder = pretrained_models.find(values.workdir)
    if folder is not None:
        require_out(values)
        values.workdir = str(pretrained_models.copy(folder, values.out))
    elif values.out:
        raise InputError(
            f"{argument('out', values.out)} is for a pretrained model, and the results "
            f"of {argument('workdir', values.workdir)} go to its own folder; leave it "
            "out."
        )


def require_out(values: flags.FlagValues) -> None:
    """Raises InputError for a pretrained model without --out."""
    if not values.out and pretrained_models.find(values.workdir) is not None:
        raise InputError(
            f"{argument('workdir', values.workdir)} is a pretrained model, which is "
            f"not written to; give {argument('out', 'FOLDER')}."
        )


def read_run(values: flags.FlagValues) -> loading.TrainedRun:
    """Reads the run that the flags of `define` name."""
    return loading.read_run(
        values.workdir, best=values.best, precision=values.precision or None
    )
