"""The section that has a run beside published numbers, as HTML."""

from collections.abc import Mapping, Sequence

from jem_tf.evaluation.report_page import comparison, markup, published_numbers
from jem_tf.evaluation.report_page.comparison import Column, Entry
from jem_tf.evaluation.report_page.metric_names import HIGHER
from jem_tf.evaluation.report_page.run_results import Results

TITLE = "Beside published numbers"
IDENTITY = "published"
MOST_COLUMNS = 6  # of a table; those of a subject that has more are in parts
RULE = (
    "A column holds numbers of one protocol, which is written above it. Numbers of "
    "different columns cannot be compared."
)


def render_published(runs: Mapping[str, Results]) -> str:
    """Renders the tables that have runs beside published numbers.

    Args:
      runs: {label: results of a run}, the first of which is reported on.

    Returns:
      HTML; "" if nothing was published on the first run's data set.
    """
    entries = comparison.list_entries(runs)
    if not any(entry.source for entry in entries):
        return ""
    shown = [
        _subject(subject, columns, entries, [*runs])
        for subject, columns in comparison.list_subjects(entries).items()
    ]
    return (
        f"<section id='{IDENTITY}'><h2>{TITLE}</h2><p>{RULE}</p>{''.join(shown)}"
        f"{_sources(entries)}</section>"
    )


def _subject(
    subject: str,
    columns: Sequence[Column],
    entries: Sequence[Entry],
    own: Sequence[str],
) -> str:
    size = -(-len(columns) // -(-len(columns) // MOST_COLUMNS))
    parts = [columns[at : at + size] for at in range(0, len(columns), size)]
    shown = "".join(_table(part, entries, own) for part in parts)
    return f"<h3>{markup.heading(subject)}</h3>{shown}"


def _table(
    columns: Sequence[Column], entries: Sequence[Entry], own: Sequence[str]
) -> str:
    mine = [entry for entry in entries if entry.column in columns]
    models = dict.fromkeys(entry.model for entry in mine)
    quantities = "".join(_quantity(column) for column in columns)
    protocols = [
        f"<small>{markup.heading(column.protocol)}</small>" for column in columns
    ]
    head = [
        f"<tr><th></th>{quantities}</tr>",
        markup.row("th", ["", *protocols]).replace("<tr>", "<tr class='protocol'>"),
    ]
    body = []
    for model in models:
        cells = ["<br>".join(_numbers(mine, model, column)) for column in columns]
        line = markup.row("td", [markup.heading(model), *cells])
        body.append(line.replace("<tr>", "<tr class='own'>") if model in own else line)
    return markup.table(head, body)


def _quantity(column: Column) -> str:
    better = published_numbers.BETTER.get(column.quantity, HIGHER)
    return f"<th>{markup.heading(column.quantity, better=better)}</th>"


def _numbers(entries: Sequence[Entry], model: str, column: Column) -> list[str]:
    return [
        markup.number(entry.shown, entry.uncertainty)
        for entry in entries
        if (entry.model, entry.column) == (model, column)
    ]


def _sources(entries: Sequence[Entry]) -> str:
    sources = dict.fromkeys(entry.source for entry in entries if entry.source)
    items = "".join(f"<li>{markup.heading(source)}</li>" for source in sources)
    return f"<div class='sources'>Sources<ul>{items}</ul></div>"
