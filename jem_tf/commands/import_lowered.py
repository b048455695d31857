"""`jem-tf import-lowered`: a run goes on from what a lowered step trained."""

import shlex

from absl import flags

from jem_tf.commands.command import Command, FlagGroup
from jem_tf.lowering import checkpoint_import
from jem_tf.options import replace
from jem_tf.runs import flagfiles
from jem_tf.runs.run_folder import RunFolder, not_a_run


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The checkpoint")
    group.text("workdir", None, "RUN, the run that was lowered; it must be given")
    group.text("lowered", None, "ckpt.npz, which run.py wrote; it must be given")
    group.text(
        "data_dir",
        "",
        "folder of prepared TFDS data, or the place of a folder of pictures. Empty: "
        "where the run had it",
    )
    for name in ("workdir", "lowered"):
        flags.mark_flag_as_required(name, values)


def run(values: flags.FlagValues) -> None:
    """Makes the checkpoint and says how the run goes on."""
    folder = RunFolder(values.workdir)
    if not folder.flags_file.is_file():
        raise not_a_run(values.workdir)
    opts = flagfiles.from_flagfile(folder.flags_file)
    changes = {"workdir": values.workdir}
    if values.data_dir:
        changes["data_dir"] = values.data_dir
    opts = replace(opts, changes)
    state = checkpoint_import.import_checkpoint(opts, values.lowered)
    print(f"{values.workdir}: a checkpoint at step {state.step}")
    words = [f"--flagfile={folder.flags_file}", f"--workdir={values.workdir}"]
    print(shlex.join(["jem-tf", "train", *words]), " goes on from it")


COMMAND = Command(
    "import-lowered",
    """
Makes a checkpoint of a run from what run.py trained, on another machine or this one.
The run then goes on by `jem-tf train`; at its last step that measures, writes the
results and exports.

    jem-tf import-lowered --workdir=RUN --lowered=FOLDER/ckpt.npz
""",
    define,
    run,
)
