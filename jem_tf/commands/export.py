"""`jem-tf export`: a trained run as a SavedModel for servers."""

from typing import Any

from absl import flags

from jem_tf import ood_scores
from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.options import PRECISIONS
from jem_tf.runs import loading
from jem_tf.runs.run_folder import RunFolder
from jem_tf.serving import exporting, run_calibration

CALIBRATION = ("accept", "ood_score", "precision")  # its flags


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The export")
    run_flags.define_workdir(group, results=False)
    group.switch("best", False, "use the best checkpoint on validation, not the newest")
    group.text("out", "", "folder of the numbered models. Empty: RUN/export")
    group.integer(
        "number",
        None,
        "version number of the model. Unset: one above the highest there",
        0,
    )
    group.number(
        "accept",
        0.95,
        "share of the validation images that is_ood must not mark, in (0, 1]",
    )
    define_ood_score(group)
    run_flags.define_data_dir(group)
    group.choice(
        "precision",
        "float32",
        PRECISIONS,
        "precision of the exported network",
    )
    flags.mark_flag_as_required("workdir", values)


def define_ood_score(group: FlagGroup) -> None:
    """Defines --ood_score."""
    group.choice(
        "ood_score",
        "auto",
        ["auto", *ood_scores.SCORES],
        f"score that is_ood goes by. auto: {' or else '.join(ood_scores.DEFAULTS)}, "
        "the first that takes at least half of uniform noise for unknown, or the last. "
        "initial_log_px and initial_vim are there if the run began with a plain "
        "classifier (--init), and take a second forward pass; approximate_mass and "
        "typicality take a gradient: classify is then about three times as slow",
    )


def run(values: flags.FlagValues) -> None:
    """Reads the run, exports it and prints the path."""
    run_flags.require_out(values)
    trained = run_flags.read_run(values)
    wanted, own = calibration_wanted(values, trained.folder)
    data = None if own else loading.read_data(trained, values.data_dir)
    path = exporting.export_run(
        trained, data, values.out or None, number=values.number, **wanted
    )
    print(f"{path}, of step {trained.step}: see {path / 'README.md'}")


def calibration_wanted(
    values: flags.FlagValues, folder: RunFolder
) -> tuple[dict[str, Any], bool]:
    """Reads which calibration is wanted: by the flags, and else as a packed run's own.

    Returns:
      ({flag of CALIBRATION that the command has: value}, whether it is the run's own).
    """
    names = [name for name in CALIBRATION if name in values]
    wanted = {name: values[name].value for name in names}
    if not folder.calibration.is_file():
        return wanted, False
    left = [name for name in names if values[name].using_default_value]
    if left:
        _, facts = run_calibration.read_calibration(folder)
        wanted |= {name: facts[name] for name in left}
    return wanted, left == names


COMMAND = Command(
    "export",
    """
Exports a trained run as a SavedModel for TensorFlow Serving and other servers.

    jem-tf export --workdir=RUN

Writes RUN/export/NUMBER/, calibrated on the run's validation images; README.md in it
describes the model and its signatures. A packed run is exported without its data, by
the calibration that it has. If --accept, --ood_score or --precision is given, it is
calibrated anew, with the others as they were.
""",
    define,
    run,
)
