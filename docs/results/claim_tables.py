"""The tables of the paper's claims: over all data sets, in Markdown.

`models` is {data set: {model: {evaluation: Result}}}. A row is of one kind of model of
a data set, and a cell has the numbers of all its seeds.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator

import result_tables

from jem_tf.evaluation.report_page import metric_names
from jem_tf.runs import pretrained_models
from jem_tf.runs.run_folder import RunFolder

KINDS = {
    "jem": "JEM",
    "classifier": "its classifier",
    "plain": "plain classifier",
}
CLASSIFICATION = {
    "accuracy": "accuracy",
    "ece": "ECE",
    "temperature": "temperature",
    "ece_temperature_scaled": "ECE with it",
    "nll": "NLL, nats",
}
SETS = (
    *("svhn", "cifar10", "cifar100", "dtd32", "tinyimagenet32"),
    *("interpolation", "constant", "uniform"),
)
SAMPLES = {
    ("samples", "fid"): "FID of the buffer's images",
    ("fresh_samples", "fid"): "FID of fresh chains",
    ("fresh_samples", "recall"): "their recall",
}
RADII = ("l2/0", "l2/0.25", "l2/0.5", "linf/1", "linf/8")
ATTACKS = ("small_radii_pgd", "autoattack", "small_radii", "robustness")
REFINED = ("jem0", "jem1", "jem10")


def kinds_of(models) -> Iterator[tuple[str, str, list]]:
    """(data set, kind of model, its results by evaluation, of each seed)."""
    for dataset, own in models.items():
        for kind in KINDS:
            seeds = [own[m] for m in sorted(own) if m.split("-")[0] == kind]
            if seeds:
                yield dataset, kind, seeds


def cell(seeds, evaluation: str, key: str) -> str:
    """A number of each seed, with commas between them."""
    results = [own[evaluation] for own in seeds if evaluation in own]
    numbers = [r.metrics[key] for r in results if r.metrics.get(key) is not None]
    return ", ".join(map("{:.3g}".format if "fid" in key else "{:.3f}".format, numbers))


def grid(models, names: dict[str, str], heads: list[str], row: Callable) -> list[str]:
    """A table with a row of each kind that has a number, made by `row(seeds)`."""
    rows = [
        [names[dataset], KINDS[kind], *cells]
        for dataset, kind, seeds in kinds_of(models)
        if any(cells := row(seeds))
    ]
    return result_tables.table(["data set", "model", *heads], rows)


def classification(models, names) -> list[str]:
    """Accuracy and calibration."""

    def row(seeds):
        return [cell(seeds, "calibration", key) for key in CLASSIFICATION]

    return grid(models, names, [*CLASSIFICATION.values()], row)


def samples(models, names) -> list[str]:
    """Quality and variety of drawn images."""

    def row(seeds):
        return [cell(seeds, *place) for place in SAMPLES]

    return grid(models, names, [*SAMPLES.values()], row)


def outliers(score: str, models, names) -> list[str]:
    """AUROC of a score, a column for each set of outliers."""

    def row(seeds):
        return [cell(seeds, "ood", f"auroc/{key}/{score}") for key in SETS]

    heads = [metric_names.name_row("auroc", key) for key in SETS]
    return grid(models, names, heads, row)


def served(models, names) -> list[str]:
    """AUROC of the score by which each shipped model says what it knows."""
    rows = []
    for dataset, kind, seeds in kinds_of(models):
        if kind != "jem":
            continue
        folder = RunFolder(pretrained_models.find(dataset))
        score = json.loads(folder.calibration.read_text())["ood_score"]
        cells = [cell(seeds, "ood", f"auroc/{key}/{score}") for key in SETS]
        rows.append([names[dataset], f"`{score}`", *cells])
    heads = [metric_names.name_row("auroc", key) for key in SETS]
    return result_tables.table(["data set", "score", *heads], rows)


def robustness(models, names) -> list[str]:
    """Robust accuracy, a row for each attack."""
    rows = []
    for dataset, kind, seeds in kinds_of(models):
        for name in (name for name in ATTACKS if name in seeds[0]):
            protocol = seeds[0][name].protocol
            images = {own[name].protocol["images"] for own in seeds if name in own}
            if len(images) > 1:
                raise ValueError(f"{name} of {dataset}: seeds are of unequal images")
            attack, *_ = re.split("[ :]", protocol["attack"])
            if steps := protocol.get("pgd_steps"):
                attack += f", {steps} steps"
            images = re.search(r"the first (\d+)", protocol["images"])[1]
            cells = [cell(seeds, name, f"robust_accuracy/{r}/jem0") for r in RADII]
            rows.append([names[dataset], KINDS[kind], attack, images, *cells])
    heads = ["data set", "model", "attack", "images", *map(name_radius, RADII)]
    return result_tables.table(heads, rows)


def name_radius(radius: str) -> str:
    """Names a radius; within 0 there is no attack."""
    named = metric_names.name_row("robust_accuracy", radius)
    return "no attack" if radius == "l2/0" else named


def refinement(models, names) -> list[str]:
    """Robust accuracy of JEM-0, JEM-1 and JEM-10 by PGD."""
    keys = [*itertools.product(("l2/0", "l2/0.25", "l2/0.5"), REFINED)]

    def row(seeds):
        if not cell(seeds, "robustness", "robust_accuracy/l2/0/jem1"):
            return []
        return [cell(seeds, "robustness", f"robust_accuracy/{r}/{k}") for r, k in keys]

    heads = [
        f"{name_radius(r)}, {metric_names.name_column('robust_accuracy', k)}"
        for r, k in keys
    ]
    return grid(models, names, heads, row)


TABLES = {
    "classification": classification,
    "samples": samples,
    "served": served,
    "robustness": robustness,
    "refinement": refinement,
}


def make(name: str, models, names: dict[str, str]) -> list[str]:
    """Makes a table by its name in *.words, of data sets with these titles."""
    if name in TABLES:
        return TABLES[name](models, names)
    return outliers(name, models, names)
