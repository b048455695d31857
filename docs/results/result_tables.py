"""The tables of pages.py, in Markdown: lines of text, made of results by model."""

import re

from jem_tf.evaluation import seed_summary, tables
from jem_tf.evaluation.report_page import comparison, metric_names

SEVERITIES = range(1, 6)
SYNTHETIC = ("uniform", "constant", "interpolation")  # last of a table's outliers
SINGLE = (
    *("accuracy", "accuracy_noisy", "nll", "brier", "ece", "ece_adaptive"),
    *("ece_classwise", "temperature", "ece_temperature_scaled"),
    *("fid", "fid_infinity", "kid", "fid_network", "kid_network"),
    *("precision", "recall", "density", "coverage"),
    *("precision_network", "recall_network", "ess_share", "rhat"),
)
ATTACKED = re.compile(r"robust_accuracy/(\w+/[\d.]+)/jem(\d+)$")


def of_evaluation(own) -> list[str]:
    """All tables of an evaluation; `own` is {model: Result}, here and below."""
    one = first(own)
    return [
        *single_table(own),
        *attack_table(one),
        *outlier_tables(own),
        *shift_table(one),
    ]


def single_table(own):
    """A row for each metric; columns for models of a first seed, and over seeds."""
    rows = []
    for key in SINGLE:
        cells = [show(comparison.cell_of(r.metrics, key)) for r in first(own).values()]
        over = [show_mean(own, some, key) for some in seeds_of(own).values()]
        if any(cells):
            rows.append([metric_names.name_metric(key).text, *cells, *over])
    heads = (f"{stem}, {len(some)} seeds" for stem, some in seeds_of(own).items())
    return table(["", *first(own), *heads], rows)


def first(own):
    """The models, without those that are another's with a later seed."""
    later = [model for some in seeds_of(own).values() for model in some[1:]]
    return {model: result for model, result in own.items() if model not in later}


def seeds_of(own) -> dict[str, list[str]]:
    """Models of several seeds: {stem: [stem-0, stem-1, ...]}."""
    groups: dict[str, list[str]] = {}
    for model in own:
        if match := re.fullmatch(r"(.+)-\d+", model):
            groups.setdefault(match[1], []).append(model)
    return {stem: sorted(some) for stem, some in groups.items() if len(some) > 1}


def show_mean(own, some: list[str], key: str, form=tables.format_number) -> str:
    """The mean of a metric over models, of several ± the standard deviation (n - 1)."""
    over = seed_summary.summarise([own[model].metrics.get(key) for model in some])
    if over["mean"] is None:
        return ""
    deviation = "" if over["sd"] is None else f" ± {over['sd']:.2g}"
    return form(over["mean"]) + deviation


def attack_table(own):
    """A row for each radius, a column for each model and refinement."""
    columns = {
        (model, match[2]): f"{model}, JEM-{match[2]}" if match[2] != "0" else model
        for model, result in own.items()
        for match in filter(None, map(ATTACKED.match, result.metrics))
    }
    radii = dict.fromkeys(
        match[1]
        for result in own.values()
        for match in filter(None, map(ATTACKED.match, result.metrics))
    )
    rows = [
        [metric_names.name_row("robust_accuracy", radius)]
        + [
            show(comparison.cell_of(own[m].metrics, f"robust_accuracy/{radius}/jem{k}"))
            for m, k in columns
        ]
        for radius in radii
    ]
    return table(["accuracy within", *columns.values()], rows)


def outlier_tables(own):
    """AUROC: of each model of a first seed a table, and of all its seeds another."""
    for model in first(own):
        yield from outlier_table(model, own, [model])
    for stem, some in seeds_of(own).items():
        yield from outlier_table(f"{stem}, {len(some)} seeds", own, some)


def outlier_table(title: str, own, some: list[str]):
    """Means over models: a row for each score, a column for each set."""
    grid = tables.lay_out(own[some[0]].metrics).grids.get("auroc", {})
    sets = sorted(grid, key=lambda key: (key in SYNTHETIC, key))
    rows = [
        [metric_names.name_column("auroc", score)]
        + [
            show_mean(own, some, f"auroc/{outliers}/{score}", "{:.3f}".format)
            for outliers in sets
        ]
        for score in tables.column_names(grid)
    ]
    names = [metric_names.name_row("auroc", key) for key in sets]
    return table([f"AUROC, {title}", *names], rows)


def shift_table(own):
    """Mean accuracy and ECE over corruptions, by severity."""
    rows = []
    for key in ("corrupted_accuracy", "corrupted_ece"):
        for model, result in own.items():
            grid = tables.lay_out(result.metrics).grids.get(key, {})
            if mean := grid.get("mean"):
                cells = (mean.get(f"severity_{i}") for i in SEVERITIES)
                shown = [f"{cell.value:.3f}" if cell else "" for cell in cells]
                rows.append([f"{metric_names.name_metric(key).text}: {model}", *shown])
    heads = (f"severity {i}" for i in SEVERITIES)
    return table(["mean over corruptions", *heads], rows)


def compared(quantity: str, columns, entries):
    """A table of a quantity: a column for each protocol, which stands below."""
    letters = {column: f"({chr(97 + i)})" for i, column in enumerate(columns)}
    mine = [entry for entry in entries if entry.column in letters]
    rows = [
        [model]
        + [
            "<br>".join(
                f"{entry.shown} {entry.uncertainty}".strip()
                for entry in mine
                if (entry.model, entry.column) == (model, column)
            )
            for column in columns
        ]
        for model in dict.fromkeys(entry.model for entry in mine)
    ]
    yield from table([quantity, *letters.values()], rows)
    yield from (f"{letter} {column.protocol}  " for column, letter in letters.items())
    sources = dict.fromkeys(entry.source for entry in mine if entry.source)
    yield from ["", f"Sources: {'; '.join(sources)}."] if sources else []


def show(cell) -> str:
    """A number and its interval."""
    if cell is None or cell.value is None:
        return ""
    uncertainty = tables.format_uncertainty(cell)
    return f"{tables.format_number(cell.value)} {uncertainty}".strip()


def table(head, rows) -> list[str]:
    """A table in Markdown; nothing without rows."""
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return [f"| {' | '.join(line)} |" for line in escaped] + [""]
