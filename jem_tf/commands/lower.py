"""`jem-tf lower`: a run's training step as a program for machines with JAX alone."""

import shlex

from absl import flags

from jem_tf.commands.command import Command, FlagGroup
from jem_tf.lowering import lowered_run
from jem_tf.runs import flagfiles
from jem_tf.system import files


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags, and those of training."""
    group = FlagGroup(values, "The lowered run")
    group.text(
        "out", None, "FOLDER, which is empty or does not exist; it must be given"
    )
    group.text(
        "data",
        "",
        "file of the training images, which lowered runs on the same data can share. "
        "It is written if it does not exist. Empty: FOLDER/data.npz",
    )
    flagfiles.define(values)
    flags.mark_flag_as_required("out", values)


def run(values: flags.FlagValues) -> None:
    """Lowers the run and prints what the folder holds."""
    opts = flagfiles.from_flags(values)
    manifest = lowered_run.lower_run(opts, values.out, data_file=values.data)
    left = manifest["steps"] - manifest["step"]
    print(
        f"{values.out}: {left} steps from step {manifest['step']}, "
        f"{manifest['steps_per_execution']} an execution, {manifest['precision']}"
    )
    folder = files.expand(values.out)  # as a shell does not, of a quoted word
    data = [f"--data={files.expand(values.data)}"] if values.data else []
    print(shlex.join(["python", str(folder / "run.py"), str(folder), *data]))


COMMAND = Command(
    "lower",
    """
Writes the training step of a run as StableHLO, with its state, its data and a runner
that needs NumPy and JAX alone. The run continues from its newest checkpoint, or begins.

    jem-tf lower --dataset=cifar10 --workdir=RUN --out=FOLDER --steps_per_execution=10
    python FOLDER/run.py FOLDER                       # on a machine with JAX
    jem-tf import-lowered --workdir=RUN --lowered=FOLDER/ckpt.npz
    jem-tf train --dataset=cifar10 --workdir=RUN      # goes on, or measures

All flags of `jem-tf train` work; give those of the run. The precision is that which
suits this machine, unless --precision names one.
""",
    define,
    run,
    parse=flagfiles.parse,
)
