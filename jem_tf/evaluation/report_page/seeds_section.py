"""The section of several runs of one recipe: means and deviations over their seeds."""

import json

from jem_tf.errors import InputError
from jem_tf.evaluation import seed_summary, tables
from jem_tf.evaluation.report_page import markup, metric_names, run_results
from jem_tf.runs.run_folder import RunFolder

TITLE, ID = "Seeds: how much do they matter?", "seeds"


def render_seeds(folder: RunFolder) -> str:
    """Renders RUN/results/seeds.json of `jem-tf evaluate all`; "" if there is none.

    A row has the mean, the standard deviation over seeds beneath it, and each run's
    value.

    Raises:
      InputError: if it cannot be read.
    """
    path = folder.result(seed_summary.NAME)
    if not path.exists():
        return ""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        headlines = seed_summary.select_headlines(content["metrics"])
        runs = [str(run) for run in content["protocol"]["runs"]]
        rows = [_row(*headline) for headline in headlines]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read; remove it, or run `jem-tf evaluate all` again."
        ) from error
    names = [name.rstrip("/").rpartition("/")[2] for name in runs]
    head = markup.row("th", ["", "mean", *map(markup.heading, names)])
    return (
        f"<section id='{ID}'><h2>{markup.heading(TITLE)}</h2>"
        f"{markup.table([head], rows)}</section>"
    )


def _row(name: str, key: str, summary: dict) -> str:
    title = run_results.EVALUATIONS[name][0].split(":")[0]
    text, unit, better = metric_names.name_metric(key)
    mean, sd = (summary[each] for each in ("mean", "sd"))
    spread = "" if sd is None else f"+- {tables.format_number(sd)}"
    return markup.row(
        "td",
        [
            markup.heading(f"{title}: {text}", unit, better, key),
            markup.number(tables.format_number(mean), spread),
            *(markup.number(tables.format_number(x), "") for x in summary["values"]),
        ],
    )
