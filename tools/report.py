"""One page with all that was measured of a run, beside a baseline if there is one.

    python tools/report.py --workdir=RUN --baseline=RUN2

Writes RUN/report.html from what the four tools/evaluate_*.py left in both runs.
"""

import pathlib

import jem_tf.system.quiet  # before TensorFlow, whose chatter it mutes  # noqa: F401

# isort: split
from absl import app, flags

from jem_tf.commands import command
from jem_tf.errors import InputError
from jem_tf.evaluation import html_report
from jem_tf.runs import run_folder
from jem_tf.system import files

WORKDIR = flags.DEFINE_string(
    "workdir", None, "RUN, the run reported on", required=True
)
BASELINE = flags.DEFINE_string("baseline", "", "RUN2, the run beside it")


def run():
    """Writes the page."""
    root = pathlib.Path(WORKDIR.value)
    runs = {"this run": root}
    if BASELINE.value:
        runs["baseline"] = pathlib.Path(BASELINE.value)
    for place in runs.values():
        if not run_folder.about(place):
            raise InputError(
                f"{place} holds no run of jem_tf; name a --workdir of one."
            )
    files.write_text(root / "report.html", html_report.render_page(runs))
    print(root / "report.html")


if __name__ == "__main__":
    app.run(lambda argv: command.end_well(run, argv, WORKDIR.value))
