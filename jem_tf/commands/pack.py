"""`jem-tf pack`: a trained run in a small folder, to keep or to send."""

from absl import flags

from jem_tf.commands import export, run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.errors import arguments_renamed
from jem_tf.runs import loading, packed_checkpoint
from jem_tf.serving import packing


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The packed run")
    run_flags.define_workdir(group, results=False)
    group.switch("best", False, "use the best checkpoint on validation, not the newest")
    group.text(
        "out", None, "folder to write, which is empty or does not exist; must be given"
    )
    group.integer(
        "chains",
        packing.CHAINS,
        "how many chains of the replay buffer to keep, evenly over the classes",
        1,
    )
    group.choice(
        "weights",
        "float16",
        packed_checkpoint.TYPES,
        "type that weights are rounded to",
    )
    group.number(
        "accept",
        0.95,
        "share of the validation images that count as known, in (0, 1]",
    )
    export.define_ood_score(group)
    run_flags.define_data_dir(group)
    flags.mark_flags_as_required(["workdir", "out"], values)


def run(values: flags.FlagValues) -> None:
    """Reads the run, packs it and prints the path and its size."""
    trained = loading.read_run(values.workdir, best=values.best)
    wanted, _ = export.calibration_wanted(values, trained.folder)
    data = loading.read_data(trained, values.data_dir)
    with arguments_renamed(place="out"):
        place = packing.pack_run(
            trained,
            data,
            values.out,
            chains=values.chains,
            weights=values.weights,
            **wanted,
        )
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    print(f"{place}, of step {trained.step}: {size / 1e6:.2f} MB")


COMMAND = Command(
    "pack",
    """
Writes a trained run into a small folder, to keep or to send: weights in float16, a few
hundred chains, the options, a calibration. Commands that evaluate, draw and export read
it as a run; no training goes on from it, but a run may begin with it (--init).

    jem-tf pack --workdir=RUN --out=FOLDER
    jem-tf classify PICTURE --model=FOLDER
""",
    define,
    run,
)
