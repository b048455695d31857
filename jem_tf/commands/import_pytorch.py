"""`jem-tf import-pytorch`: makes a run from a checkpoint of the JEM authors' code."""

from absl import flags

from jem_tf import pytorch
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.pytorch import imported_run


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The run to make")
    group.text(
        "workdir", None, "RUN, a folder that is empty or does not exist; must be given"
    )
    group.text(
        "dataset",
        "",
        "data set that the checkpoint was trained on: cifar10, cifar100, svhn, or "
        "another that `jem-tf train` takes. Empty: cifar10 or cifar100, by the number "
        "of classes",
    )
    group.text("data_dir", "", "folder of prepared TFDS data, for the other commands")
    flags.mark_flag_as_required("workdir", values)


def run(values: flags.FlagValues, checkpoint: str) -> None:
    """Reads the checkpoint, writes the run and prints a summary."""
    original = pytorch.read_checkpoint(checkpoint)
    note = imported_run.write_run(
        values.workdir,
        original,
        checkpoint,
        dataset=values.dataset,
        data_dir=values.data_dir,
    )
    print(
        f"{values.workdir}: {note['network']}, {note['parameters']:,} parameters, "
        f"{note['classes']} classes of {note['dataset']}"
    )
    if note["buffer_images"]:
        print(f"replay buffer: its {note['buffer_images']:,} images")
    else:
        print("replay buffer: none in the checkpoint; chains start from U(-1, 1)")
    print(f"mind: {note['validation']}.")


COMMAND = Command(
    "import-pytorch",
    """
Makes a run from a checkpoint of the JEM authors' PyTorch code, with its weights and
replay buffer.

    jem-tf import-pytorch CHECKPOINT.pt --workdir=RUN

It needs PyTorch (pip install 'jem-tf[pytorch]'), and no data. It runs no code from the
checkpoint.
""",
    define,
    run,
    argument="CHECKPOINT.pt",
)
