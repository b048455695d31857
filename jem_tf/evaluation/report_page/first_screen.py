"""The first screen of the report, as HTML: what the model can and cannot do."""

from collections.abc import Mapping, Sequence

from jem_tf.evaluation.report_page import capabilities, markup, run_results
from jem_tf.evaluation.report_page.capabilities import Card
from jem_tf.evaluation.report_page.run_results import Results
from jem_tf.evaluation.report_page.sentences import CAN, CANNOT, UNPROVEN, Sentence
from jem_tf.runs.run_folder import RunFolder

MARKS = {CAN: "✓", CANNOT: "✗", UNPROVEN: "?", "": "·"}
KINDS = {CAN: "can", CANNOT: "cannot", UNPROVEN: "unproven", "": "other"}
FACTS = {
    "dataset": "data",
    "network": "network",
    "p_x_weight": "weight of p(x)",
    "p_x_y_weight": "weight of p(x, y)",
    "checkpoint_step": "step",
    "precision": "precision",
    "run": "folder",
}
LEGEND = (
    "Numbers in brackets are 95% intervals, those after ± standard errors. "
    "That of a calibration error (ECE) may lie below it, as chance adds to it. "
    "✓ can: all of the interval is above chance. ✗ cannot: none of it is. ? neither."
)


def render_first_screen(
    folder: RunFolder, runs: Mapping[str, Results], class_names: Sequence[str]
) -> str:
    """Renders the first screen.

    Args:
      folder: of the run.
      runs: {label: results of a run}, the first of which is reported on; a second one
        is its baseline.
      class_names: [K], of the run.
    """
    own, *others = runs.values()
    cards = capabilities.make_cards(own, others[0] if others else {}, class_names)
    missing = run_results.list_not_measured(folder, own)
    lines = (
        [f"<p class='missing'>Not measured: {_texts(missing)}.</p>"] if missing else []
    )
    lines += [_steps(label, results) for label, results in runs.items()]
    return (
        f"{render_facts(runs)}<div class='cards'>{''.join(map(_card, cards))}</div>"
        f"{''.join(lines)}<p class='legend'>{LEGEND}</p>"
    )


def render_facts(runs: Mapping[str, Results]) -> str:
    """Says what the runs are, a line each."""
    lines = []
    for label, results in runs.items():
        protocols = (result.protocol for result in results.values())
        known = [{n: p[n] for n in FACTS if n in p} for p in protocols]
        if known:  # earlier versions wrote the step alone to chains.json
            facts = ", ".join(f"{FACTS[n]} {v}" for n, v in max(known, key=len).items())
            lines.append(f"<li><b>{_texts([label])}</b>: {_texts([facts])}</li>")
    return f"<ul class='facts'>{''.join(lines)}</ul>"


def _card(card: Card) -> str:
    picture = ""
    if card.picture:
        picture = markup.picture(card.caption, card.picture, plot=card.plot)
    items = "".join(map(_sentence, card.sentences))
    heading = f"<h2>{_texts([card.question])}</h2>"
    return f"<article>{heading}{picture}<ul>{items}</ul></article>"


def _sentence(sentence: Sentence) -> str:
    mark, kind = MARKS[sentence.verdict], KINDS[sentence.verdict]
    return (
        f"<li class='{kind}'><span class='mark' aria-hidden='true'>{mark}</span> "
        f"{_texts([sentence.text])} {markup.link('table', sentence.anchor)}</li>"
    )


def _steps(label: str, results: Results) -> str:
    """Warns if the results of a run are of several checkpoints or trainings."""
    networks = run_results.list_networks(results)
    steps = {step for step, _ in networks}
    known = {digits for _, digits in networks if digits}
    if len(steps) < 2 and len(known) < 2:
        return ""
    said = [
        f"{', '.join(names)} at step {step}" + f" (network {digits})" * bool(digits)
        for (step, digits), names in networks.items()
    ]
    return (
        f"<p class='warning'>The results of {_texts([label])} are of different "
        f"checkpoints: {_texts(said)}. Evaluate again to compare them.</p>"
    )


def _texts(texts: Sequence[str]) -> str:
    return markup.heading("; ".join(texts))
