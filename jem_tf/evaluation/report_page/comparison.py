"""A run beside its baseline beside published numbers, a column for each protocol.

Two numbers stand in one column only if their quantity and their protocol are the same
text. So each protocol must say all that changes a number: data set, counts, noise.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from jem_tf.datasets import set_names
from jem_tf.evaluation import tables
from jem_tf.evaluation.report_page import metric_names, published_numbers
from jem_tf.evaluation.report_page.published_numbers import (
    ACCURACY,
    ECE,
    FID,
    INCEPTION_SCORE,
    Published,
)
from jem_tf.evaluation.report_page.run_results import SAMPLES, Result, Results

OFFICIAL = "the test split"  # `datasets.Dataset.test_source` of an official split
SCORES = ("log_px", "max_p")
SETS = ("svhn", "svhn_cropped", "cifar10", "cifar100")


class Column(NamedTuple):
    """What numbers must share to be compared."""

    quantity: str
    protocol: str


class Entry(NamedTuple):
    """A number of the comparison: whose it is, where it belongs, what is shown.

    model: the row.
    column: Column.
    shown: the number as text.
    uncertainty: its interval as text; "" for none.
    source: of a published number; "" for those of a run.
    """

    model: str
    column: Column
    shown: str
    uncertainty: str = ""
    source: str = ""


def list_entries(runs: Mapping[str, Results]) -> list[Entry]:
    """Lists the numbers of runs, and those published on the first one's data set.

    Args:
      runs: {label: results of a run}, the first of which is reported on.
    """
    entries = [
        entry
        for label, results in runs.items()
        for entry in own_entries(label, results)
    ]
    names = {dataset_of(result) for result in next(iter(runs.values())).values()}
    return entries + [
        published_entry(number)
        for number in published_numbers.NUMBERS
        if number.dataset in names
    ]


def list_subjects(entries: Iterable[Entry]) -> dict[str, list[Column]]:
    """{subject: its columns}, a table for each, so that none is too wide."""
    subjects: dict[str, list[Column]] = {}
    for column in dict.fromkeys(entry.column for entry in entries):
        subject = {
            ACCURACY: "Classification",
            ECE: "Classification",
            FID: "Samples",
            INCEPTION_SCORE: "Samples",
        }.get(column.quantity, "Outliers")
        subjects.setdefault(subject, []).append(column)
    return {
        subject: sorted(columns, key=lambda column: column.quantity)
        for subject, columns in subjects.items()
    }


def published_entry(number: Published) -> Entry:
    """The entry of a published number."""
    column = Column(number.quantity, number.protocol)
    return Entry(number.model, column, number.value, source=number.source)


def own_entries(label: str, results: Results) -> list[Entry]:
    """The entries of a run: what the literature reports, too."""
    found: list[Entry] = []

    def add(result: Result, quantity: str, protocol: str, key: str) -> None:
        cell = cell_of(result.metrics, key)
        if cell is not None and cell.value is not None:
            column = Column(quantity, protocol)
            texts = tables.format_number(cell.value), tables.format_uncertainty(cell)
            found.append(Entry(label, column, *texts))

    if calibration := results.get("calibration"):
        for noise, key in (
            (0.0, "accuracy"),
            (noise_of(calibration), "accuracy_noisy"),
        ):
            add(calibration, ACCURACY, images_protocol(calibration, noise), key)
        bins = calibration.protocol.get("bins")
        add(calibration, ECE, images_protocol(calibration, 0.0, bins), "ece")
    for samples in filter(None, map(results.get, SAMPLES)):
        for key, quantity in (("fid", FID), ("inception_score", INCEPTION_SCORE)):
            add(samples, quantity, samples_protocol(samples), key)
    if ood := results.get("ood"):
        for key in SETS:
            for score in SCORES:
                name = published_numbers.AUROC.format(
                    score=metric_names.SCORES[score], outliers=metric_names.SETS[key]
                )
                add(ood, name, outlier_protocol(ood, key), f"auroc/{key}/{score}")
    return found


def cell_of(metrics: Mapping[str, Any], key: str) -> tables.Cell | None:
    """The number of a key with its interval or deviation; None if there is none."""
    if key not in metrics:
        return None
    beside = (metrics.get(key + ending) for ending in tables.BESIDE)
    return tables.Cell(metrics[key], *beside)


def dataset_of(result: Result) -> str:
    """The data set of a result, as TFDS names it; "" if it is not known."""
    return set_names.without_version(str(result.protocol.get("dataset") or ""))


def noise_of(calibration: Result) -> float | None:
    """The noise of accuracy_noisy, in the protocol's words; None: not known."""
    words = str(calibration.protocol.get("accuracy_noisy", ""))
    _, _, after = words.partition("N(0, ")
    try:
        return float(after.partition("^2")[0])
    except ValueError:
        return None


def count_images(result: Result) -> int | None:
    """How many test images a result is of; None if the protocol does not say."""
    protocol = result.protocol
    count, limit = protocol.get("test_images"), protocol.get("limit", 0)
    if not isinstance(count, int) or not isinstance(limit, int):
        return None
    return min(count, limit or count)


def images_protocol(
    result: Result, noise: float | None, bins: int | None = None
) -> str:
    """How accuracy or ECE on test images was measured."""
    count, name = count_images(result), dataset_of(result)
    if count is None or noise is None:
        return f"{name}, protocol not known"
    said = published_numbers.of_test_images(name, count, noise, bins)
    split = result.protocol.get("test_split", OFFICIAL)
    return said if split == OFFICIAL else f"{said}; images {split}"


def samples_protocol(result: Result) -> str:
    """How FID and the Inception Score of a run were measured."""
    protocol, metrics = result.protocol, result.metrics
    source, confident = protocol.get("source"), protocol.get("confident")
    against = dict(protocol.get("reference") or {}).get("images", "images not known")
    steps = protocol.get("sampler_steps")  # of fresh chains
    chains = f"{source} of {steps} steps" if steps else source
    share = "" if confident in (1, None) else f", most confident {confident:.0%}"
    kept = tables.format_number(metrics.get("samples"))
    precision = dict(protocol.get("features") or {}).get(
        "precision", "precision not known"
    )
    return (
        f"{dataset_of(result)}, {kept} samples, {chains}{share}, against {against}, "
        f"Inception in {precision}"
    )


def outlier_protocol(result: Result, key: str) -> str:
    """How AUROC against a set of outliers was measured."""
    outliers = dict(result.protocol.get("sets") or {}).get(key, "images not known")
    return f"{images_protocol(result, 0.0, None)}, against {outliers}"
