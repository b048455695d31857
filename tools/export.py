"""Exports a trained run as a SavedModel for TensorFlow Serving and its like.

    python tools/export.py --workdir=RUN

Writes RUN/export/<number>/, calibrated on the run's validation images; its README.md
says what it answers.
"""

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import app, flags

from jem_tf.commands import command
from jem_tf.runs import loading
from jem_tf.serving import exporting

WORKDIR = flags.DEFINE_string("workdir", None, "RUN, the run to export", required=True)
BEST = flags.DEFINE_bool("best", False, "its best checkpoint, not the newest")
OUT = flags.DEFINE_string(
    "out", "", "the folder of the numbered models. Default: RUN/export"
)
NUMBER = flags.DEFINE_integer(
    "number", None, "of the model. Default: one above those there", 0
)
ACCEPT = flags.DEFINE_float(
    "accept", 0.95, "share of the validation images that is_ood lets pass, in (0, 1]"
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", "", "prepared TFDS data, if not where the run had it"
)
PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "of the exported network",
)


def write():
    """Reads, calibrates, writes and says where."""
    run = loading.read(WORKDIR.value, best=BEST.value, precision=PRECISION.value)
    data = command.data_of(run, DATA_DIR.value or run.options.data.data_dir)
    place = exporting.write(
        run,
        data,
        OUT.value or None,
        number=NUMBER.value,
        accept=ACCEPT.value,
        precision=PRECISION.value,
    )
    print(f"{place}, of step {run.step}: see {place / 'README.md'}")


def main(argv):
    """The program."""
    command.end_well(write, argv, WORKDIR.value)


if __name__ == "__main__":
    app.run(main)
