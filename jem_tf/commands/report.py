"""`jem-tf report`: all results of a run on one page."""

from absl import flags

from jem_tf.commands import run_flags
from jem_tf.commands.command import Command, FlagGroup
from jem_tf.evaluation import html_report
from jem_tf.runs import pretrained_models
from jem_tf.runs.run_folder import RunFolder, not_a_run
from jem_tf.system import files


def define(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    group = FlagGroup(values, "The report")
    run_flags.define_workdir(group)
    group.text("baseline", "", "RUN2, a run to compare it with. Empty: none")
    flags.mark_flag_as_required("workdir", values)


def run(values: flags.FlagValues) -> None:
    """Writes the page."""
    run_flags.use_own_folder(values)
    runs = {"this run": RunFolder(values.workdir)}
    if values.baseline:
        baseline = pretrained_models.find(values.baseline) or values.baseline
        runs["baseline"] = RunFolder(baseline)
    for folder in runs.values():
        if folder.read_description() is None:
            raise not_a_run(folder.root)
    report = runs["this run"].report
    files.write_text(report, html_report.render_page(runs))
    print(report)


COMMAND = Command(
    "report",
    """
Writes one page with all results of a run, beside those of a baseline if one is given.

    jem-tf report --workdir=RUN --baseline=RUN2

Writes RUN/report.html from the results of `jem-tf evaluate` and `jem-tf diagnose` in
both runs: what the model can and cannot do in words and pictures, every number beside
published ones of the same protocol, figures, and the curves of the training. The page
is one file, which loads nothing.
""",
    define,
    run,
)
