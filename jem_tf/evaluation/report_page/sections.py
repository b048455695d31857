"""The section of an evaluation in the report: its tables, figures and protocols."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jem_tf.evaluation import tables
from jem_tf.evaluation.report_page import markup, metric_names
from jem_tf.evaluation.report_page.markup import anchor
from jem_tf.evaluation.report_page.run_results import Result

MOST_COLUMNS = 10  # of a table of numbers; a grid of more is in parts
IMAGES = ("classes", "grid", "neighbours", "distal", "corruptions")  # figures: no plots


def render_section(name: str, title: str, results: Mapping[str, Result]) -> str:
    """Renders the results of one evaluation as HTML.

    Args:
      name: of the evaluation.
      title: of the section.
      results: {label of a run: its results}, of the runs that have some.
    """
    layouts = {k: tables.lay_out(result.metrics) for k, result in results.items()}
    heading = f"<h2>{markup.heading(title)}</h2>"
    parts = [heading, render_figures(name, results)]
    parts.append(render_single(name, {k: x.single for k, x in layouts.items()}))
    for key in dict.fromkeys(
        key for layout in layouts.values() for key in layout.grids
    ):
        grids = {label: layout.grids.get(key, {}) for label, layout in layouts.items()}
        parts.append(render_grid(name, key, grids))
    parts.append(render_protocols(name, results))
    return f"<section id='{name}'>{''.join(filter(None, parts))}</section>"


def render_single(name: str, cells: Mapping[str, dict[str, tables.Cell]]) -> str:
    """Renders the table of single metrics: a row a metric, a column a run."""
    keys = dict.fromkeys(key for run in cells.values() for key in run)
    if not keys:
        return ""
    head = [markup.row("th", ["", *map(markup.heading, cells)])]
    body = []
    for key in keys:
        named = metric_names.name_metric(key)
        shown = (markup.cell(run.get(key)) for run in cells.values())
        body.append(markup.row("td", [markup.heading(*named, key), *shown]))
    return markup.table(head, body, anchor(name, "numbers"))


def render_grid(name: str, title: str, grids: Mapping[str, tables.Grid]) -> str:
    """Renders a grid: a column for each of its columns and each run that has it."""
    labels: dict[str, list[str]] = {}  # {column: the runs that have it}
    for label, grid in grids.items():
        for column in tables.column_names(grid):
            labels.setdefault(column, []).append(label)
    parts = tables.parts_of([*labels], lambda column: len(labels[column]), MOST_COLUMNS)
    shown = [
        _part_of_grid(title, grids, {column: labels[column] for column in part})
        for part in parts
    ]
    named = metric_names.name_metric(title)
    return (
        f"<div id='{anchor(name, title)}'><h3>{markup.heading(*named, title)}</h3>"
        f"{''.join(shown)}</div>"
    )


def _part_of_grid(
    title: str, grids: Mapping[str, tables.Grid], labels: Mapping[str, Sequence[str]]
) -> str:
    """The table of some columns of a grid, {column: the runs that have it}."""
    groups = "".join(
        f"<th colspan='{len(having)}'>"
        f"{markup.heading(metric_names.name_column(title, column), key=column)}</th>"
        for column, having in labels.items()
    )
    head = [f"<tr><th></th>{groups}</tr>"]
    pairs = [(column, label) for column, having in labels.items() for label in having]
    if len(grids) > 1:
        names = (markup.heading(label) for _, label in pairs)
        head.append(markup.row("th", ["", *names]))
    body = []
    for row in dict.fromkeys(row for grid in grids.values() for row in grid):
        said = markup.heading(metric_names.name_row(title, row), key=row)
        cells = [grids[label].get(row, {}).get(column) for column, label in pairs]
        body.append(markup.row("td", [said, *map(markup.cell, cells)]))
    return markup.table(head, body)


def render_figures(name: str, results: Mapping[str, Result]) -> str:
    """Renders the figures of the results, each beside that of the other run."""
    names = sorted({figure for result in results.values() for figure in result.figures})
    alone = len(results) == 1
    shown = [
        markup.picture(
            metric_names.name_figure(name, figure) + ("" if alone else f": {label}"),
            result.figures[figure],
            plot=figure not in IMAGES,
        )
        for figure in names
        for label, result in results.items()
        if figure in result.figures
    ]
    stale = [
        f"<p class='warning'>Not shown, as they are of another evaluation: "
        f"{markup.heading(', '.join(result.stale))} ({markup.heading(label)}).</p>"
        for label, result in results.items()
        if result.stale
    ]
    pictures = f"<div class='pictures'>{''.join(shown)}</div>" if shown else ""
    return pictures + "".join(stale)


def render_protocols(name: str, results: Mapping[str, Result]) -> str:
    """Renders how the numbers were measured, folded."""
    folded = [_protocol(label, result.protocol) for label, result in results.items()]
    return f"<div id='{anchor(name, 'protocol')}'>{''.join(folded)}</div>"


def _protocol(label: str, protocol: Mapping[str, Any]) -> str:
    text = json.dumps(protocol, indent=2, ensure_ascii=False)
    return (
        f"<details><summary>How it was measured: {markup.heading(label)}</summary>"
        f"<pre>{markup.heading(text)}</pre></details>"
    )
