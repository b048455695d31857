"""Makes a run of a checkpoint of the JEM authors' PyTorch code: weights and buffer.

    python tools/import_pytorch.py CHECKPOINT.pt --workdir=RUN

Takes `pip install 'jem-tf[pytorch]'`, and no data. No code in a checkpoint is ever run.
"""

import functools
import sys

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import app, flags

from jem_tf import pytorch
from jem_tf.commands import command
from jem_tf.pytorch import imported_run

WORKDIR = flags.DEFINE_string(
    "workdir", None, "RUN, a folder that is empty or not there yet", required=True
)
DATASET = flags.DEFINE_string(
    "dataset",
    "",
    "what it was trained on: cifar10, cifar100, svhn, or what else jem_tf.train takes. "
    "Default: cifar10 or cifar100, by the number of classes",
)
DATA_DIR = flags.DEFINE_string("data_dir", "", "prepared TFDS data, for the tools")


def bring_in(checkpoint):
    """Reads, writes and says what became of it."""
    original = pytorch.read(checkpoint)
    found = imported_run.write(
        WORKDIR.value,
        original,
        checkpoint,
        dataset=DATASET.value,
        data_dir=DATA_DIR.value,
    )
    print(
        f"{WORKDIR.value}: {found['network']}, {found['parameters']:,} parameters, "
        f"{found['classes']} classes of {found['dataset']}"
    )
    if found["buffer_images"]:
        print(f"replay buffer: its {found['buffer_images']:,} images")
    else:
        print("replay buffer: none in the checkpoint; chains start from U(-1, 1)")
    print(f"mind: {found['validation']}.")


def main(argv):
    """The program: a file in, a run out."""
    if len(argv) != 2:
        sys.exit("jem_tf: give one file: import_pytorch.py CHECKPOINT.pt --workdir=RUN")
    work = functools.partial(bring_in, argv[1])
    command.end_well(work, argv[:1], WORKDIR.value)


if __name__ == "__main__":
    app.run(main)
