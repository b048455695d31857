"""The results of one run or two as a web page: every table and figure.

The page is self-contained: the pictures are in it, and it loads nothing.
"""

import base64
import html
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jem_tf.errors import InputError
from jem_tf.evaluation import findings, tables
from jem_tf.runs.run_folder import RunFolder

# {name of the evaluation: title of its section}
SECTIONS = {
    "calibration": "Calibration: is it as sure as it is right?",
    "ood": "Out of distribution: does it know what it does not know?",
    "samples": "Samples: what does it draw?",
    "chains": "Chains: do they mix?",
    "robustness": "Robustness: what does a small perturbation do?",
    "autoattack": "AutoAttack: what do four attacks in turn do?",
}
MOST_COLUMNS = 10  # of a table of numbers; a grid of more is in parts
FACTS = ("run", "dataset", "network", "p_x_weight", "checkpoint_step", "precision")
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 88rem; margin: 2rem auto;
       padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem;
     border-bottom: 1px solid #ccc; } h3 { font-size: 1rem; }
table { border-collapse: collapse; margin: 0.7rem 0;
        font-variant-numeric: tabular-nums; }
th, td { padding: 0.15rem 0.5rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead tr:last-child th { border-bottom: 1px solid #888; }
th[colspan] { text-align: center; }
tbody tr:hover { background: #f3f6fa; }
small { color: #777; white-space: nowrap; } .table { overflow-x: auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 calc(50% - 1rem); max-width: calc(50% - 0.5rem); }
figure img { width: 100%; image-rendering: auto; } figcaption { color: #555; }
pre { background: #f6f6f6; padding: 0.7rem; overflow-x: auto; font-size: 12px; }
"""


def render_page(runs: Mapping[str, RunFolder]) -> str:
    """Renders the report as HTML.

    Args:
      runs: {label: folder of a run}; the first run is reported on, a second one is its
        baseline.

    Returns:
      A whole HTML document.

    Raises:
      InputError: if the first has no results yet, or a result is unreadable.
    """
    sections = []
    for name, title in SECTIONS.items():
        results = {
            label: result
            for label, folder in runs.items()
            if (result := findings.read_findings(folder, name))
        }
        if results:
            sections.append(_section(name, title, results, runs))
    if not sections:
        (folder, *_) = runs.values()
        raise InputError(f"{folder} has no results yet; run `jem-tf evaluate` first.")
    title = f"jem_tf: {' beside '.join(map(str, runs.values()))}"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{html.escape(title)}</h1>\n{_facts(runs)}\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _facts(runs: Mapping[str, RunFolder]) -> str:
    """A list of what the runs are, an item each."""
    items = []
    for label, folder in runs.items():
        results = (findings.read_findings(folder, name) for name in SECTIONS)
        protocols = (result["protocol"] for result in results if result)
        known = [{n: p[n] for n in FACTS if n in p} for p in protocols]
        if known:  # earlier versions wrote the step alone to chains.json
            facts = ", ".join(f"{n} {v}" for n, v in max(known, key=len).items())
            items.append(f"<li><b>{html.escape(label)}</b>: {html.escape(facts)}</li>")
    return f"<ul>{''.join(items)}</ul>"


def _section(
    name: str,
    title: str,
    results: Mapping[str, dict[str, Any]],
    runs: Mapping[str, RunFolder],
) -> str:
    layouts = {k: tables.lay_out(result["metrics"]) for k, result in results.items()}
    parts = [f"<h2 id='{name}'>{html.escape(title)}</h2>"]
    parts.append(_single({label: layout.single for label, layout in layouts.items()}))
    grid_titles = dict.fromkeys(key for layout in layouts.values() for key in layout[1])
    for grid_title in grid_titles:
        grids = {label: x.grids.get(grid_title, {}) for label, x in layouts.items()}
        parts.append(_grid(grid_title, grids))
    parts.append(_pictures(name, {label: runs[label] for label in results}))
    for label, result in results.items():
        parts.append(_protocol(label, result["protocol"]))
    return "\n".join(parts)


def _single(cells: Mapping[str, dict[str, tables.Cell]]) -> str:
    """The table of single metrics: a row a metric, a column a run."""
    names = dict.fromkeys(name for run in cells.values() for name in run)
    head = _row("th", ["", *cells])
    body = [
        _row("td", [name, *(_shown(run.get(name)) for run in cells.values())], raw=True)
        for name in names
    ]
    return _table([head], body)


def _grid(title: str, grids: Mapping[str, tables.Grid]) -> str:
    """The tables of a grid: a column for each of its columns and run that has it."""
    labels: dict[str, list[str]] = {}  # {column: the runs that have it}
    for label, grid in grids.items():
        for name in tables.column_names(grid):
            labels.setdefault(name, []).append(label)
    parts = tables.parts_of([*labels], lambda name: len(labels[name]), MOST_COLUMNS)
    return "\n".join(
        _part_of_grid(title, grids, {name: labels[name] for name in part})
        for part in parts
    )


def _part_of_grid(
    title: str,
    grids: Mapping[str, tables.Grid],
    labels: Mapping[str, Sequence[str]],
) -> str:
    """The table of some columns of a grid, {column: the runs that have it}."""
    rows = dict.fromkeys(row for grid in grids.values() for row in grid)
    groups = "".join(
        f"<th colspan='{len(having)}'>{html.escape(name)}</th>"
        for name, having in labels.items()
    )
    head = [f"<tr><th>{html.escape(title)}</th>{groups}</tr>"]
    pairs = [(name, label) for name, having in labels.items() for label in having]
    if len(grids) > 1:
        head.append(_row("th", ["", *(label for _, label in pairs)]))
    body = []
    for row in rows:
        cells = [_shown(grids[run].get(row, {}).get(name)) for name, run in pairs]
        body.append(_row("td", [row, *cells], raw=True))
    return _table(head, body)


def _shown(cell: tables.Cell | None) -> str:
    if cell is None:
        return ""
    small = html.escape(tables.format_uncertainty(cell))
    number = tables.format_number(cell.value)
    return number + (f"<br><small>{small}</small>" if small else "")


def _row(tag: str, cells: Sequence[str], *, raw: bool = False) -> str:
    """A row of a table; `raw` says that all cells but the first are HTML already."""
    first, *others = cells
    texts = others if raw else [html.escape(text) for text in others]
    inner = "".join(f"<{tag}>{text}</{tag}>" for text in [html.escape(first), *texts])
    return f"<tr>{inner}</tr>"


def _table(head: Iterable[str], body: Iterable[str]) -> str:
    return (
        f"<div class='table'><table><thead>{''.join(head)}</thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _pictures(name: str, folders: Mapping[str, RunFolder]) -> str:
    """The figures of an evaluation, each beside that of the other run."""
    paths = {
        label: {
            path.stem.removeprefix(f"{name}_"): path
            for path in folder.figures.glob(f"{name}_*.png")
        }
        for label, folder in folders.items()
    }
    pictures = [
        _picture(f"{label}: {figure.replace('_', ' ')}", paths[label][figure])
        for figure in sorted({figure for run in paths.values() for figure in run})
        for label in folders
        if figure in paths[label]
    ]
    return f"<div class='pictures'>{''.join(pictures)}</div>"


def _picture(caption: str, path: pathlib.Path) -> str:
    data, caption = base64.b64encode(path.read_bytes()).decode(), html.escape(caption)
    return (
        f"<figure><img alt='{caption}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _protocol(label: str, protocol: dict[str, Any]) -> str:
    text = html.escape(json.dumps(protocol, indent=2, ensure_ascii=False))
    return (
        f"<details><summary>protocol: {html.escape(label)}</summary>"
        f"<pre>{text}</pre></details>"
    )
