"""What the first screen says of outliers: which the model tells from test images."""

from jem_tf import ood_scores
from jem_tf.evaluation.report_page.comparison import cell_of
from jem_tf.evaluation.report_page.markup import anchor
from jem_tf.evaluation.report_page.metric_names import SCORES, name_row
from jem_tf.evaluation.report_page.run_results import Result, Results
from jem_tf.evaluation.report_page.sentences import (
    CAN,
    CANNOT,
    UNPROVEN,
    Sentence,
    beside_baseline,
    join,
    judge,
    say_number,
)
from jem_tf.evaluation.tables import Cell

CHANCE = 0.5  # AUROC of a score that knows nothing


def say_outliers(results: Results, baseline: Results, chance: float) -> list[Sentence]:
    """Says which outliers the model tells from test images, score by score."""
    if not (own := results.get("ood")):
        return []
    sentences = []
    for score in list_scores(own):
        sentences.append(_say_sets(own, baseline.get("ood"), score))
        sentences += _say_groups(own, score)
    return sentences


def list_scores(own: Result) -> list[str]:
    """The scores to speak of: the paper's first, and the one that `is_ood` goes by.

    The best score on these sets is not chosen: that would choose on test images.
    """
    measured = {key.split("/")[2] for key in own.metrics if _is_auroc(key)}
    scores = ["log_px"]
    if served := own.protocol.get("served_score"):
        scores += [served] if served not in scores else []
    elif set(ood_scores.DEFAULTS) & measured:  # results of an earlier version
        scores.append(ood_scores.default_of([*measured]))
    return [score for score in scores if score in measured and list_sets(own, score)]


def list_sets(own: Result, score: str) -> dict[str, Cell]:
    """{set of outliers: its AUROC by a score}, those that are numbers."""
    cells = {
        key.split("/")[1]: cell_of(own.metrics, key)
        for key in own.metrics
        if _is_auroc(key) and key.endswith(f"/{score}")
    }
    return {k: cell for k, cell in cells.items() if cell and cell.value is not None}


def _is_auroc(key: str) -> bool:
    return key.startswith("auroc/") and key.count("/") == 2 and not key.endswith("_ci")


def _say_sets(own: Result, baseline: Result | None, score: str) -> Sentence:
    """Says which sets are told from test images, and the AUROC of the hardest."""
    cells = list_sets(own, score)
    sets: dict[str, list[str]] = {CAN: [], CANNOT: [], UNPROVEN: []}
    for key, cell in cells.items():
        sets[judge(cell, CHANCE)].append(name_row("auroc", key))
    clauses = [
        f"{verdict} tell {join(names)} from test images"
        for verdict, names in sets.items()
        if names
    ]
    worst = min(cells, key=lambda key: cells[key].value or 0)
    lowest = f"{name_row('auroc', worst)}: {say_number(cells[worst])}"
    text = (
        f"By {SCORES.get(score, score)} it {'; it '.join(clauses)}. AUROC (chance: "
        f"{CHANCE}) is lowest for {lowest}"
        f"{beside_baseline(baseline, own, f'auroc/{worst}/{score}', say_number)}."
    )
    verdict = next(verdict for verdict in (CANNOT, UNPROVEN, CAN) if sets[verdict])
    return Sentence(text, anchor("ood", "auroc"), verdict)


def _say_groups(own: Result, score: str) -> list[Sentence]:
    """Says the means over OpenOOD's groups, those that were measured."""
    means = {
        group: mean
        for group in ("near", "far")
        if (mean := cell_of(own.metrics, f"openood/{score}/{group}_auroc"))
    }
    if not means:
        return []
    parts = [f"{say_number(mean)} on the {group} sets" for group, mean in means.items()]
    text = f"OpenOOD's mean AUROC is {join(parts)}."
    return [Sentence(text, anchor("ood", "openood"))]
