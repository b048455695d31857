"""Metrics laid out to be read: single ones, and grids of `title/row/column`."""

import collections

Cell = collections.namedtuple("Cell", "value interval deviation")
Layout = collections.namedtuple("Layout", "single grids")
BESIDE = ("_ci", "_std")


def layout(metrics):
    """What stands where.

    `title/row/column` makes a grid, as does `title/row/row/column/...`; what is
    `<key>_ci` or `<key>_std` stands beside the number of `<key>`.

    Args:
      metrics: {key: number or None, or [low, high]}, as in RUN/results/*.json.

    Returns:
      Layout(single: {key: Cell}, grids: {title: {row: {column: Cell}}}).
    """
    single, grids = {}, {}
    for key, value in metrics.items():
        if key.endswith(BESIDE):
            continue
        cell = Cell(value, *(metrics.get(key + ending) for ending in BESIDE))
        title, *parts = key.split("/")
        if len(parts) < 2:
            single[key] = cell
            continue
        depth = 1 if len(parts) == 2 else 2
        row, column = "/".join(parts[:depth]), "/".join(parts[depth:])
        grids.setdefault(title, {}).setdefault(row, {})[column] = cell
    return Layout(single, grids)


def columns(grid):
    """The columns of a grid, in the order in which its rows first have them."""
    return list(dict.fromkeys(column for row in grid.values() for column in row))


def number(value):
    """A number in four digits, or what says that there is none."""
    if value is None:
        return "n/a"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def beside(cell):
    """The interval or deviation of a cell in words; "" if it has none."""
    if cell.interval is not None:
        return "[{}, {}]".format(*map(number, cell.interval))
    return f"+- {number(cell.deviation)}" if cell.deviation is not None else ""


def text(metrics):
    """The lines of the tables for a terminal; of grids, without intervals."""
    single, grids = layout(metrics)
    lines = [
        f"  {key:<32}{number(cell.value):>10}  {beside(cell)}".rstrip()
        for key, cell in single.items()
    ]
    for title, grid in grids.items():
        names = columns(grid)
        widths = [max(10, len(name) + 2) for name in names]
        head = "".join(
            f"{name:>{width}}" for name, width in zip(names, widths, strict=True)
        )
        lines += ["", f"  {title:<22}{head}"]
        for row, cells in grid.items():
            shown = [number(cells[n].value) if n in cells else "" for n in names]
            lines.append(
                f"  {row:<22}"
                + "".join(f"{s:>{w}}" for s, w in zip(shown, widths, strict=True))
            )
    return lines
