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
    """Says by the paper's first score, and the one that `is_ood` goes by.

    The best score on these sets is not chosen: that would choose on test images.
    """
    if not (own := results.get("ood")):
        return []
    measured = {key.split("/")[2] for key in own.metrics if _is_auroc(key)}
    scores = ["log_px"]
    if set(ood_scores.DEFAULTS) & measured:
        scores.append(ood_scores.default_of([*measured]))
    return [
        sentence
        for score in scores
        if score in measured
        for sentence in _say_score(own, baseline.get("ood"), score)
    ]


def _is_auroc(key: str) -> bool:
    return key.startswith("auroc/") and key.count("/") == 2 and not key.endswith("_ci")


def _say_score(own: Result, baseline: Result | None, score: str) -> list[Sentence]:
    cells = {
        key.split("/")[1]: cell
        for key in own.metrics
        if _is_auroc(key) and key.endswith(f"/{score}")
        if (cell := cell_of(own.metrics, key)) and cell.value is not None
    }
    if not cells:
        return []
    name = SCORES.get(score, score)
    sentences = [_say_sets(name, cells)]
    for group in ("near", "far"):
        key = f"openood/{score}/{group}_auroc"
        if mean := cell_of(own.metrics, key):
            text = f"OpenOOD's {group} sets by {name}: AUROC {say_number(mean)}"
            text += beside_baseline(baseline, own, key, say_number)
            sentences.append(Sentence(f"{text}.", anchor("ood", "openood")))
    return sentences


def _say_sets(name: str, cells: dict[str, Cell]) -> Sentence:
    """Says which sets are told from test images, and the AUROC at both ends."""
    sets: dict[str, list[str]] = {CAN: [], CANNOT: [], UNPROVEN: []}
    for key, cell in cells.items():
        sets[judge(cell, CHANCE)].append(name_row("auroc", key))
    clauses = [
        f"{verdict} tell {join(names)} from test images"
        for verdict, names in sets.items()
        if names
    ]
    best, worst = (pick(cells, key=lambda k: cells[k].value) for pick in (max, min))
    ends = f"{say_number(cells[best])} for {name_row('auroc', best)}"
    if best != worst:
        ends += f" down to {say_number(cells[worst])} for {name_row('auroc', worst)}"
    text = f"By {name} it {'; it '.join(clauses)} (AUROC {ends}; chance is {CHANCE})."
    verdict = next(verdict for verdict in (CANNOT, UNPROVEN, CAN) if sets[verdict])
    return Sentence(text, anchor("ood", "auroc"), verdict)
