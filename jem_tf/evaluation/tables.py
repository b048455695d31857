"""Metrics as tables: single ones, and grids of those called `title/row/column`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

BESIDE = ("_ci", "_std")


class Cell(NamedTuple):
    """A number, and its uncertainty: [low, high] and a deviation, or None."""

    value: float | int | None
    interval: list[float] | None
    deviation: float | None


Grid = dict[str, dict[str, Cell]]  # {row: {column: Cell}}


class Layout(NamedTuple):
    """Tables: {key: Cell} of the single metrics, {title: Grid} of the others."""

    single: dict[str, Cell]
    grids: dict[str, Grid]


def lay_out(metrics: Mapping[str, Any]) -> Layout:
    """Arranges metrics in tables.

    `title/row/column` stands in a grid, as does `title/row/row/column/...`; what is
    `<key>_ci` or `<key>_std` stands beside the number of `<key>`, if there is one.

    Args:
      metrics: {key: number or None, or [low, high]}, as in RUN/results/*.json.
    """
    single: dict[str, Cell] = {}
    grids: dict[str, Grid] = {}
    for key, value in metrics.items():
        if stands_beside(key, metrics):
            continue
        interval, deviation = (metrics.get(key + ending) for ending in BESIDE)
        cell = Cell(value, interval, deviation)
        title, *parts = key.split("/")
        if len(parts) < 2:
            single[key] = cell
            continue
        depth = 1 if len(parts) == 2 else 2
        row, column = "/".join(parts[:depth]), "/".join(parts[depth:])
        grids.setdefault(title, {}).setdefault(row, {})[column] = cell
    return Layout(single, grids)


def stands_beside(key: str, metrics: Mapping[str, Any]) -> bool:
    """Tells whether a metric is the interval or deviation of another one."""
    stems = [key.removesuffix(ending) for ending in BESIDE if key.endswith(ending)]
    return any(stem in metrics for stem in stems)


def column_names(grid: Grid) -> list[str]:
    """Lists the columns of a grid, in the order in which its rows first have them."""
    return list(dict.fromkeys(column for row in grid.values() for column in row))


def format_number(value: float | int | None) -> str:
    """Formats a number in four digits, and None as "n/a"."""
    if value is None:
        return "n/a"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def format_uncertainty(cell: Cell) -> str:
    """Formats the interval or deviation of a cell; "" if it has none."""
    if cell.interval is not None:
        return "[{}, {}]".format(*map(format_number, cell.interval))
    if cell.deviation is not None:
        return f"+- {format_number(cell.deviation)}"
    return ""


def format_metrics(metrics: Mapping[str, Any]) -> list[str]:
    """Formats metrics as the lines of tables for a terminal.

    Grids come without intervals.
    """
    single, grids = lay_out(metrics)
    lines = [
        f"  {key:<32}{format_number(cell[0]):>10}  {format_uncertainty(cell)}".rstrip()
        for key, cell in single.items()
    ]
    for title, grid in grids.items():
        lines += ["", *_format_grid(title, grid)]
    return lines


def _format_grid(title: str, grid: Grid) -> list[str]:
    names = column_names(grid)
    widths = [max(10, len(name) + 2) for name in names]
    lines = [_format_row(title, names, widths)]
    for row, cells in grid.items():
        texts = [format_number(cells[n].value) if n in cells else "" for n in names]
        lines.append(_format_row(row, texts, widths))
    return lines


def _format_row(head: str, texts: list[str], widths: list[int]) -> str:
    cells = (f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))
    return f"  {head:<22}" + "".join(cells)
