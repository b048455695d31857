"""What the first screen says of attacks: how accurate the model stays."""

from jem_tf.evaluation.report_page.comparison import cell_of
from jem_tf.evaluation.report_page.markup import anchor
from jem_tf.evaluation.report_page.metric_names import name_column, name_row
from jem_tf.evaluation.report_page.run_results import Result, Results
from jem_tf.evaluation.report_page.sentences import (
    Sentence,
    beside_baseline,
    judge,
    name_images,
    percent,
    say_share,
)

ASKED = {"linf": "8", "l2": "0.5"}  # radii of RobustBench for CIFAR-10
UNBOUNDED = "255"
TITLE = "robust_accuracy"


def say_attacks(results: Results, baseline: Results, chance: float) -> list[Sentence]:
    """Says the accuracy under AutoAttack, and under PGD with the most refinement."""
    sentences = []
    for name in ("autoattack", "robustness"):
        if own := results.get(name):
            sentences += _say_evaluation(name, own, baseline.get(name), chance)
            sentences += _say_checks(name, own)
    return sentences


def _say_evaluation(
    name: str, own: Result, baseline: Result | None, chance: float
) -> list[Sentence]:
    columns = _columns(own)
    attack = str(own.protocol.get("attack", "attack")).split(",")[0].split(":")[0]
    if own.protocol.get("standard") is False:
        attack += ", cut short,"
    sentences = []
    for column in dict.fromkeys((*columns[:1], *columns[-1:])):
        for norm in ASKED:
            if (radius := _radius(own, norm, column)) is None:
                continue
            key = f"{TITLE}/{norm}/{radius}/{column}"
            if (cell := cell_of(own.metrics, key)) is None or cell.value is None:
                continue
            verdict = judge(cell, chance)
            text = (
                f"{name_column(TITLE, column)} {verdict} withstand {attack} within "
                f"{name_row(TITLE, f'{norm}/{radius}')}: {say_share(cell)} of "
                f"{name_images(own.protocol)} stay right"
                f"{beside_baseline(baseline, own, key)}; guessing gives "
                f"{percent(chance)}."
            )
            sentences.append(Sentence(text, anchor(name, TITLE), verdict))
    return sentences


def _columns(own: Result) -> list[str]:
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
