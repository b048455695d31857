"""Writes docs/results/DATASET.md and README.md from the JSON files of evaluations.

    python docs/results/pages.py

It reads docs/results/DATASET/MODEL/*.json, as `jem-tf evaluate` and `jem-tf diagnose`
write them to RUN/results, and *.words: what is said of the numbers, in which
{DATASET/MODEL/EVALUATION:KEY} stands for one, and a line {table:NAME} for a table of
claim_tables.py. This copies results of runs first:

    python docs/results/pages.py DATASET/MODEL=RUN ...

result_tables.py beside it lays out the tables.
"""

import itertools
import json
import pathlib
import re
import sys

import claim_tables
import result_tables

from jem_tf.evaluation.report_page import comparison
from jem_tf.evaluation.report_page.run_results import EVALUATIONS, Result
from jem_tf.runs.run_folder import RunFolder

HERE = pathlib.Path(__file__).parent
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "digits": "Digits",
}
FOLDERS = re.compile(r"(?<![\w:/.])/(?:[\w.-]+/)+")  # of this machine
TABLE = re.compile(r"^\{table:(\w+)\}$", re.MULTILINE)
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
    legend = said("legend", {})
    lines = [f"# {DATASETS[dataset]}", "", *words, "", *legend, ""]
    for name, (title, command) in EVALUATIONS.items():
        own = {m: results[name] for m, results in models.items() if name in results}
        if own:
            lines += [f"## {title}", "", f"`jem-tf {command}`", ""]
            lines += result_tables.of_evaluation(own)
            lines += [*protocols(dataset, name, own), ""]
    return lines


def protocols(dataset: str, name: str, own):
    """Says of each model which file has all numbers, and of which images they are."""
    for model, result in own.items():
        file = f"{dataset}/{model}/{name}.json"
        yield f"- {model}: {describe(result.protocol)} ([all numbers]({file}))"


def describe(protocol) -> str:
    """Says of which images numbers are, and in which precision."""
    said = [protocol.get("images")]
    if "source" in protocol:
        said = [f"{protocol['samples_drawn']:,} samples, {protocol['source']}"]
    if "chains" in protocol:
        said = [f"{protocol['chains']} chains of {protocol['steps']} steps"]
    if "start" in protocol:
        said.append(f"from {protocol['start']}")
    if protocol.get("half", "all") != "all":
        said.append(f"outliers of {protocol['half']} index")
    return ", ".join(filter(None, [*said, protocol["precision"]]))


def first_page(models) -> list[str]:
    """The page that compares models, with each other and with the literature."""
    lines = ["# Results", "", *said("README", models), "", *said("legend", {}), ""]
    for dataset, results in models.items():
        lines += [f"## {DATASETS[dataset]}", "", f"[All tables]({dataset}.md).", ""]
        entries = comparison.list_entries(results)
        for subject, columns in comparison.list_subjects(entries).items():
            lines += [f"### {subject}", ""]
            for quantity, own in itertools.groupby(columns, lambda c: c.quantity):
                lines += [*result_tables.compared(quantity, [*own], entries), ""]
    return lines


def said(page: str, models) -> list[str]:
    """The words of a page, with numbers in their places."""

    def number(match):
        dataset, model, evaluation, key = match.groups()
        if evaluation not in models[dataset][model]:
            print(f"{page}: {match[0]} was not measured")
            return "(not measured)"
        return f"{models[dataset][model][evaluation].metrics[key]:.3g}"

    def table(match):
        return "\n".join(claim_tables.make(match[1], models, DATASETS))

    text = (HERE / f"{page}.words").read_text()
    return TABLE.sub(table, NUMBER.sub(number, text)).splitlines()


def write(name: str, lines) -> None:
    """Writes a page."""
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
    (HERE / name).write_text(text)
    print(HERE / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
