"""What the first screen says of attacks: how accurate the model stays."""

import re

from jem_tf.evaluation.report_page.comparison import cell_of
from jem_tf.evaluation.report_page.markup import anchor
from jem_tf.evaluation.report_page.metric_names import name_column, name_row
from jem_tf.evaluation.report_page.run_results import Result, Results
from jem_tf.evaluation.report_page.sentences import (
    CAN,
    CANNOT,
    UNPROVEN,
    Sentence,
    beside_baseline,
    join,
    judge,
    name_images,
    percent,
    say_share,
)

ASKED = {"linf": "8", "l2": "0.5"}  # radii of RobustBench for CIFAR-10
UNBOUNDED = "255"
SMALL_RADII = ("small_radii", "small_radii_pgd")  # within other radii than ASKED
TITLE = "robust_accuracy"


def say_attacks(results: Results, baseline: Results, chance: float) -> list[Sentence]:
    """Says the accuracy under AutoAttack, and under PGD with the most refinement."""
    sentences = []
    for name in ("autoattack", *SMALL_RADII, "robustness"):
        if own := results.get(name):
            sentences += _say_evaluation(name, own, baseline.get(name), chance)
            sentences += _say_checks(name, own)
    return sentences


def _say_evaluation(
    name: str, own: Result, baseline: Result | None, chance: float
) -> list[Sentence]:
    columns = list_columns(own)
    attack = re.split(r"[,:(]", str(own.protocol.get("attack", "attacks")))[0].strip()
    attack += " cut short" if own.protocol.get("standard") is False else ""
    sentences = []
    for column in dict.fromkeys((*columns[:1], *columns[-1:])):
        keys = {
            f"{norm}/{radius}": f"{TITLE}/{norm}/{radius}/{column}"
            for norm in ASKED
            if (radius := _radius(own, norm, column)) is not None
        }
        cells = {at: cell_of(own.metrics, key) for at, key in keys.items()}
        known = {
            at: cell for at, cell in cells.items() if cell and cell.value is not None
        }
        if not known:
            continue
        verdicts = [judge(cell, chance) for cell in known.values()]
        verdict = next(v for v in (CANNOT, UNPROVEN, CAN) if v in verdicts)
        shares = [
            f"{say_share(cell)} within {name_row(TITLE, at)}"
            f"{beside_baseline(baseline, own, keys[at])}"
            for at, cell in known.items()
        ]
        who, images = name_column(TITLE, column), name_images(own.protocol)
        text = f"of {images}, {join(shares)} stay right"
        if name in SMALL_RADII:  # of which no verdict follows
            text = f"Within small radii, under {attack}, {text} ({who})."
            sentences.append(Sentence(text, anchor(name, TITLE)))
            continue
        text = f"{who} {verdict} withstand {attack}: {text}; guessing gives "
        text += f"{percent(chance)}."
        sentences.append(Sentence(text, anchor(name, TITLE), verdict))
    return sentences


def list_columns(own: Result) -> list[str]:
    """[jem<k>], by ascending k."""
    names = {key.split("/")[3] for key in own.metrics if key.count("/") == 3}
    kept = {n.removesuffix("_ci") for n in names if n.startswith("jem")}
    return sorted(kept, key=lambda name: (len(name), name))


def _radius(own: Result, norm: str, column: str) -> str | None:
    """The radius to speak of: RobustBench's if it was measured, or the largest."""
    start, end = f"{TITLE}/{norm}/", f"/{column}"
    radii = [
        key.removeprefix(start).removesuffix(end)
        for key in own.metrics
        if key.startswith(start) and key.endswith(end)
    ]
    radii = [radius for radius in radii if radius not in ("0", UNBOUNDED)]
    if ASKED[norm] in radii:
        return ASKED[norm]
    return max(radii, key=float, default=None)


def _say_checks(name: str, own: Result) -> list[Sentence]:
    """Warns of each check of the attacks that did not hold."""
    checks = own.protocol.get("sanity")
    failed = [
        check.replace("_", " ")
        for check, said in (checks.items() if isinstance(checks, dict) else ())
        if isinstance(said, dict) and said.get("ok") is False
    ]
    text = "A check of the attack did not hold, so it may be too weak: {}."
    return [Sentence(text.format(check), anchor(name, "protocol")) for check in failed]
