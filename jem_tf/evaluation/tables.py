"""Metrics as tables: single ones, and grids of those called `title/row/column`."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

BESIDE = ("_ci", "_std")
WIDTH, HEAD = 100, 24  # characters of a grid on a terminal, and of its first column


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
    """Lines of a grid, below each other in parts if it has many columns."""
    lines: list[str] = []
    for names in parts_of(column_names(grid), _width, WIDTH - HEAD):
        lines += [""] if lines else []
        lines.append(_format_row(title, {name: name for name in names}))
        for row, cells in grid.items():
            numbers = {n: format_number(cells[n].value) for n in names if n in cells}
            lines.append(_format_row(row, dict.fromkeys(names, "") | numbers))
    return lines


def parts_of(
    names: list[str], width: Callable[[str], int], most: int
) -> list[list[str]]:
    """Divides columns into parts of about equally many, none wider than `most`.

    Args:
      names: of the columns, in order.
      width: of a column, given its name.
      most: width of a part; a column that is wider alone is a part of its own.
    """
    for count in range(1, len(names) + 1):
        size = -(-len(names) // count)
        parts = [names[i : i + size] for i in range(0, len(names), size)]
        if all(sum(map(width, part)) <= most for part in parts):
            return parts
    return [[name] for name in names]


def _width(name: str) -> int:
    return max(10, len(name) + 2)


def _format_row(head: str, texts: Mapping[str, str]) -> str:
    """A row: {column: text}."""
    cells = (f"{text:>{_width(name)}}" for name, text in texts.items())
    return f"  {head:<{HEAD - 2}}" + "".join(cells)
