"""Writes docs/results/DATASET.md and README.md from the JSON files of evaluations.

    python docs/results/pages.py

It reads docs/results/DATASET/MODEL/*.json, as `jem-tf evaluate all` writes them to
RUN/results, and DATASET.words and README.words: what is said of the numbers, in which
{DATASET/MODEL/EVALUATION:KEY} stands for one. This copies results of runs first:

    python docs/results/pages.py DATASET/MODEL=RUN ...
"""

import json
import pathlib
import re
import sys

from jem_tf.evaluation import seed_summary, tables
from jem_tf.evaluation.report_page import comparison, metric_names
from jem_tf.evaluation.report_page.run_results import EVALUATIONS, Result
from jem_tf.runs.run_folder import RunFolder

HERE = pathlib.Path(__file__).parent
SEVERITIES = range(1, 6)
MOST_COLUMNS = 5  # of a table of the first page
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "digits": "Digits",
}
SINGLE = (
    *("accuracy", "accuracy_noisy", "nll", "brier", "ece", "ece_adaptive"),
    *("ece_classwise", "temperature", "ece_temperature_scaled"),
    *("fid", "fid_infinity", "kid", "fid_network", "kid_network"),
    *("precision", "recall", "density", "coverage"),
    *("precision_network", "recall_network", "ess_share", "rhat"),
)
ATTACKED = re.compile(r"robust_accuracy/(\w+/[\d.]+)/jem(\d+)$")
FOLDERS = re.compile(r"(?<![\w:/.])/(?:[\w.-]+/)+")  # of this machine
NUMBER = re.compile(r"\{([\w.-]+)/([\w.-]+)/(\w+):([^}]+)\}")


def main(*taken: str) -> None:
    """Copies results that are given, and writes all pages."""
    for words in taken:
        place, _, run = words.partition("=")
        collect(HERE / place, RunFolder(run))
    models = {name: read_models(HERE / name) for name in DATASETS}
    models = {name: own for name, own in models.items() if own}
    for name, own in models.items():
        write(f"{name}.md", dataset_page(name, own, said(name, models)))
    write("README.md", first_page(models))


def collect(place: pathlib.Path, run: RunFolder) -> None:
    """Copies the results of a run's evaluations."""
    place.mkdir(parents=True, exist_ok=True)
    for name in EVALUATIONS:
        if run.result(name).is_file():
            text = run.result(name).read_text()
            (place / f"{name}.json").write_text(FOLDERS.sub("", text))


def read_models(place: pathlib.Path):
    """Reads {model: {evaluation: Result}} of a data set, JEMs first."""
    folders = sorted(place.glob("*/"), key=lambda x: ("jem" not in x.name, x.name))
    return {folder.name: read_results(folder) for folder in folders}


def read_results(folder: pathlib.Path):
    """Reads {evaluation: Result}."""
    contents = {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in EVALUATIONS
        if (folder / f"{name}.json").is_file()
    }
    return {
        name: Result(content["metrics"], content["protocol"], {}, [])
        for name, content in contents.items()
    }


def dataset_page(dataset: str, models, words) -> list[str]:
    """The page of a data set."""
    lines = [f"# {DATASETS[dataset]}", "", *words, ""]
    for name, (title, command) in EVALUATIONS.items():
        own = {m: results[name] for m, results in models.items() if name in results}
        if own:
            lines += [f"## {title}", "", f"`jem-tf {command}`", ""]
            lines += [*single_table(own), *attack_table(first(own))]
            lines += [*outlier_tables(first(own)), *shift_table(first(own))]
            lines += [*protocols(dataset, name, own), ""]
    return lines


def single_table(own):
    """A row for each metric; columns for models of a first seed, and over seeds."""
    rows = []
    for key in SINGLE:
        cells = [show(comparison.cell_of(r.metrics, key)) for r in first(own).values()]
        over = [show_seeds(own, some, key) for some in seeds_of(own).values()]
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


def show_seeds(own, some: list[str], key: str) -> str:
    """The mean of a metric over seeds, and its standard deviation (n - 1)."""
    over = seed_summary.summarise([own[model].metrics.get(key) for model in some])
    if over["mean"] is None:
        return ""
    mean, deviation = (tables.format_number(over[name]) for name in ("mean", "sd"))
    return f"{mean} ± {deviation}"


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
    """AUROC: of each model a table, with a row for each score and a column a set."""
    for model, result in own.items():
        grid = tables.lay_out(result.metrics).grids.get("auroc", {})
        scores = tables.column_names(grid)
        rows = [
            [metric_names.name_column("auroc", score)]
            + [
                f"{sets[score].value:.3f}" if score in sets else ""
                for sets in grid.values()
            ]
            for score in scores
        ]
        names = [metric_names.name_row("auroc", key) for key in grid]
        yield from table([f"AUROC, {model}", *names], rows)


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


def protocols(dataset: str, name: str, own):
    """Says of each model which file has all numbers, and of which images they are."""
    for model, result in own.items():
        images = result.protocol.get("images") or result.protocol.get("source", "")
        file = f"{dataset}/{model}/{name}.json"
        yield f"- {model}: {images} ([all numbers]({file}))"


def first_page(models) -> list[str]:
    """The page that compares models, with each other and with the literature."""
    lines = ["# Results", "", *said("README", models), ""]
    for dataset, own in models.items():
        lines += [f"## {DATASETS[dataset]}", "", f"[All tables]({dataset}.md).", ""]
        entries = comparison.list_entries(own)
        for subject, columns in comparison.list_subjects(entries).items():
            lines += [f"### {subject}", ""]
            for at in range(0, len(columns), MOST_COLUMNS):
                part = columns[at : at + MOST_COLUMNS]
                lines += [*compared(part, entries), ""]
    return lines


def compared(columns, entries):
    """A table whose columns hold numbers of one protocol; protocols stand below."""
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
    yield from table(
        ["", *(f"{c.quantity} {letter}" for c, letter in letters.items())], rows
    )
    yield from (f"{letter} {column.protocol}  " for column, letter in letters.items())
    sources = dict.fromkeys(entry.source for entry in mine if entry.source)
    yield from ["", f"Sources: {'; '.join(sources)}."] if sources else []


def said(page: str, models) -> list[str]:
    """The words of a page, with numbers in their places."""

    def number(match):
        dataset, model, evaluation, key = match.groups()
        if evaluation not in models[dataset][model]:
            print(f"{page}: {match[0]} was not measured")
            return "(not measured)"
        return f"{models[dataset][model][evaluation].metrics[key]:.3g}"

    text = (HERE / f"{page}.words").read_text()
    return NUMBER.sub(number, text).splitlines()


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


def write(name: str, lines) -> None:
    """Writes a page."""
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
    (HERE / name).write_text(text)
    print(HERE / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
