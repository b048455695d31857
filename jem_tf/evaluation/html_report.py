"""One page with every table and picture of a run, beside a baseline's if there is one.

The page is self-contained: pictures are in it, and nothing is loaded from elsewhere.
"""

import base64
import html
import json

from jem_tf.errors import InputError
from jem_tf.evaluation import findings, tables

# name: what it asks
SECTIONS = {
    "calibration": "Calibration: is it as sure as it is right?",
    "ood": "Out of distribution: does it know what it does not know?",
    "samples": "Samples: what does it draw?",
    "robustness": "Robustness: what does a small perturbation do?",
}
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


def page(runs):
    """The report as HTML.

    Args:
      runs: {what a run is called: pathlib.Path, RUN}; the first is the one reported on,
        a second its baseline.

    Returns:
      A str, a whole HTML document.

    Raises:
      InputError: if no tool has evaluated the first yet, or a result is unreadable.
    """
    sections = []
    for name, title in SECTIONS.items():
        found = {called: findings.read(root, name) for called, root in runs.items()}
        found = {called: one for called, one in found.items() if one}
        if found:
            sections.append(_section(name, title, found, runs))
    if not sections:
        (root, *_) = runs.values()
        raise InputError(
            f"--workdir={root} has no results yet; run tools/evaluate_calibration.py "
            "and the other three first."
        )
    title = f"jem_tf: {' beside '.join(map(str, runs.values()))}"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{html.escape(title)}</h1>\n{_about(runs)}\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _about(runs):
    """What the runs are, in a sentence each."""
    items = []
    for called, root in runs.items():
        protocols = [found["protocol"] for found in _results(root)]
        if protocols:
            facts = ", ".join(f"{name} {protocols[0].get(name)}" for name in FACTS)
            items.append(f"<li><b>{html.escape(called)}</b>: {html.escape(facts)}</li>")
    return f"<ul>{''.join(items)}</ul>"


def _results(root):
    return [found for name in SECTIONS if (found := findings.read(root, name))]


def _section(name, title, found, runs):
    metrics = {called: one["metrics"] for called, one in found.items()}
    parts = [f"<h2 id='{name}'>{html.escape(title)}</h2>"]
    laid = {called: tables.layout(one) for called, one in metrics.items()}
    parts.append(_single({called: one.single for called, one in laid.items()}))
    titles = dict.fromkeys(title for one in laid.values() for title in one.grids)
    for title in titles:
        grids = {called: one.grids.get(title, {}) for called, one in laid.items()}
        parts.append(_grid(title, grids))
    parts.append(_pictures(name, {called: runs[called] for called in found}))
    parts += [_protocol(called, one["protocol"]) for called, one in found.items()]
    return "\n".join(parts)


def _single(cells):
    """A row a metric, a column a run."""
    names = dict.fromkeys(name for one in cells.values() for name in one)
    head = _row("th", ["", *cells])
    body = [
        _row("td", [name, *(_shown(one.get(name)) for one in cells.values())], raw=True)
        for name in names
    ]
    return _table([head], body)


def _grid(title, grids):
    """A row a row of the grid, a column a column and run that has it."""
    rows = dict.fromkeys(row for grid in grids.values() for row in grid)
    having = {}  # {column: the runs that have it}
    for called, grid in grids.items():
        for name in tables.columns(grid):
            having.setdefault(name, []).append(called)
    groups = "".join(
        f"<th colspan='{len(runs)}'>{html.escape(name)}</th>"
        for name, runs in having.items()
    )
    head = [f"<tr><th>{html.escape(title)}</th>{groups}</tr>"]
    pairs = [(name, called) for name, runs in having.items() for called in runs]
    if len(grids) > 1:
        head.append(_row("th", ["", *(called for _, called in pairs)]))
    body = [
        _row(
            "td",
            [row] + [_shown(grids[c].get(row, {}).get(name)) for name, c in pairs],
            raw=True,
        )
        for row in rows
    ]
    return _table(head, body)


def _shown(cell):
    if cell is None:
        return ""
    small = html.escape(tables.beside(cell))
    return tables.number(cell.value) + (f"<br><small>{small}</small>" if small else "")


def _row(tag, cells, raw=False):
    """A row of a table, of which the last cells are HTML if `raw`."""
    first, *others = cells
    others = others if raw else map(html.escape, others)
    inner = "".join(f"<{tag}>{cell}</{tag}>" for cell in [html.escape(first), *others])
    return f"<tr>{inner}</tr>"


def _table(head, body):
    return (
        f"<div class='table'><table><thead>{''.join(head)}</thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _pictures(name, roots):
    """The pictures of an evaluation, each beside that of the other run."""
    shown = []
    for called, root in roots.items():
        for path in (root / "figures").glob(f"{name}_*.png"):
            shown.append((path.stem.removeprefix(f"{name}_"), called, path))
    shown.sort(key=lambda one: (one[0], list(roots).index(one[1])))
    return f"<div class='pictures'>{''.join(map(_picture, shown))}</div>"


def _picture(one):
    figure, called, path = one
    data = base64.b64encode(path.read_bytes()).decode()
    caption = html.escape(f"{called}: {figure.replace('_', ' ')}")
    return (
        f"<figure><img alt='{caption}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _protocol(called, protocol):
    text = html.escape(json.dumps(protocol, indent=2, ensure_ascii=False))
    return (
        f"<details><summary>protocol: {html.escape(called)}</summary>"
        f"<pre>{text}</pre></details>"
    )
