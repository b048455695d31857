"""`jem-tf report`: all that was measured of a run, on one page."""

from absl import flags

from jem_tf.commands.command import Command, FlagGroup
from jem_tf.evaluation import html_report
from jem_tf.runs.run_folder import RunFolder, not_a_run
from jem_tf.system import files


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The report")
    group.text("workdir", None, "RUN, the run reported on; it must be given")
    group.text("baseline", "", "RUN2, the run beside it. Empty: none")
    flags.mark_flag_as_required("workdir", values)


def run(values: flags.FlagValues) -> None:
    """Writes the page."""
    runs = {"this run": RunFolder(values.workdir)}
    if values.baseline:
        runs["baseline"] = RunFolder(values.baseline)
    for folder in runs.values():
        if folder.read_description() is None:
            raise not_a_run(folder.root)
    report = runs["this run"].report
    files.write_text(report, html_report.render_page(runs))
    print(report)


COMMAND = Command(
    "report",
    """
Writes one page with all that was measured of a run, beside a baseline if there is one.

    jem-tf report --workdir=RUN --baseline=RUN2

Writes RUN/report.html from what `jem-tf evaluate` and `jem-tf diagnose` left in both
runs.
""",
    define,
    run,
)
