"""What a model can and cannot do: the cards of the report's first screen.

Each sentence is made from numbers of the results. "Can" and "cannot" go by intervals:
can, if all of the interval is above chance; cannot, if none of it is; otherwise it
"cannot be shown to". Chance is 1/K of K classes, and an AUROC of .5.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jem_tf.evaluation.report_page import (
    attack_sentences,
    card_pictures,
    outlier_sentences,
)
from jem_tf.evaluation.report_page.comparison import cell_of
from jem_tf.evaluation.report_page.markup import anchor
from jem_tf.evaluation.report_page.run_results import SAMPLES, Result, Results
from jem_tf.evaluation.report_page.sentences import (
    CAN,
    Sentence,
    beside_baseline,
    judge,
    name_images,
    percent,
    say_number,
    say_share,
)

SEVEREST = "mean/severity_5"
COPIES = 0.01  # share of held-out images within the distance that counts as a copy


class Card(NamedTuple):
    """A card: a question, the sentences that answer it, and a picture.

    caption: of the picture.
    picture: a PNG, or None.
    plot: whether the picture is a plot, and not images.
    """

    question: str
    sentences: list[Sentence]
    caption: str
    picture: bytes | None
    plot: bool = True


def make_cards(
    results: Results, baseline: Results, class_names: Sequence[str]
) -> list[Card]:
    """Makes the cards of what was measured, five at most.

    Args:
      results: of the run.
      baseline: of the run beside it; empty if there is none.
      class_names: [K].
    """
    chance = 1 / max(len(class_names), 1)
    cards = [
        Card(
            "Does it classify, and is it as sure as it is right?",
            say_calibration(results, baseline, chance),
            "accuracy by confidence",
            _own_figure(results, "calibration", "reliability"),
        ),
        Card(
            "Does it know what it does not know?",
            outlier_sentences.say_outliers(results, baseline, chance),
            "outliers told from test images: AUROC by set",
            card_pictures.draw_outliers(results),
        ),
        Card(
            "What does it draw?",
            say_samples(results, baseline, chance),
            "samples",
            _own_figure(results, _samples_measured(results), "classes", "grid"),
            plot=False,
        ),
        Card(
            "Does it withstand attacks?",
            attack_sentences.say_attacks(results, baseline, chance),
            "accuracy under attack by radius",
            card_pictures.draw_attacks(results, chance),
        ),
        Card(
            "And on corrupted images?",
            say_shift(results, baseline, chance),
            "accuracy and calibration error by severity",
            card_pictures.draw_shift(results, chance),
        ),
    ]
    return [card for card in cards if card.sentences]


def _own_figure(results: Results, evaluation: str, *names: str) -> bytes | None:
    """The first of some figures that belongs to an evaluation, made smaller."""
    figures = results[evaluation].figures if evaluation in results else {}
    paths = [figures[name] for name in names if name in figures]
    return card_pictures.shrink(paths[0]) if paths else None


def say_calibration(
    results: Results, baseline: Results, chance: float
) -> list[Sentence]:
    """Says how accurate and how well calibrated the model is."""
    if not (own := results.get("calibration")):
        return []
    there, other = anchor("calibration", "numbers"), baseline.get("calibration")
    sentences = []
    if accuracy := cell_of(own.metrics, "accuracy"):
        verdict = judge(accuracy, chance)
        text = f"It {verdict} classify: {say_share(accuracy)} of "
        text += f"{name_images(own.protocol)} are right"
        text += beside_baseline(other, own, "accuracy")
        text += "" if verdict == CAN else f"; guessing gives {percent(chance)}"
        sentences.append(Sentence(f"{text}.", there, verdict))
    if error := cell_of(own.metrics, "ece"):
        text = f"Its confidence is off by {say_share(error)} on average (ECE)"
        sentences.append(
            Sentence(f"{text}{beside_baseline(other, own, 'ece')}.", there)
        )
    return sentences + _say_temperature(own, there)


def _say_temperature(own: Result, there: str) -> list[Sentence]:
    temperature = cell_of(own.metrics, "temperature")
    scaled = cell_of(own.metrics, "ece_temperature_scaled")
    if not temperature or not scaled or temperature.value is None:
        return []
    sure = "too sure" if temperature.value > 1 else "not sure enough"
    text = (
        f"It is {sure}: a temperature of {say_number(temperature)}, fitted to "
        f"validation images, brings this to {say_share(scaled)}."
    )
    if "validation_images_were" in own.protocol:
        text += " But the network was trained on most of these images."
    return [Sentence(text, there)]


def say_shift(results: Results, baseline: Results, chance: float) -> list[Sentence]:
    """Says how accuracy and calibration hold on corrupted images."""
    if not (own := results.get("calibration")):
        return []
    clean = cell_of(own.metrics, "accuracy")
    worst = cell_of(own.metrics, key := f"corrupted_accuracy/{SEVEREST}")
    if not clean or not worst:
        return []
    verdict, other = judge(worst, chance), baseline.get("calibration")
    text = f"At severity 5, the mean over the corruptions, it {verdict} classify: "
    text += f"{say_share(worst)} are right, and {say_share(clean)} without corruption"
    text += beside_baseline(other, own, key)
    sentences = [
        Sentence(f"{text}.", anchor("calibration", "corrupted_accuracy"), verdict)
    ]
    if error := cell_of(own.metrics, f"corrupted_ece/{SEVEREST}"):
        text = f"There its confidence is off by {say_share(error)} (ECE)."
        sentences.append(Sentence(text, anchor("calibration", "corrupted_ece")))
    return sentences


def say_samples(results: Results, baseline: Results, chance: float) -> list[Sentence]:
    """Says how near samples are to real images, and whether they are copies."""
    if not (own := results.get(name := _samples_measured(results))):
        return _say_mixing(results)
    there, sentences = anchor(name, "numbers"), []
    for ending, space in (("", ""), ("_network", " in its own features")):
        if fid := cell_of(own.metrics, f"fid{ending}"):
            count = own.metrics.get("samples")
            of = f" of {count:,} {SAMPLES[name]}" if isinstance(count, int) else ""
            text = f"The Fréchet distance{of} to real images{space} is "
            sentences.append(Sentence(f"{text}{say_number(fid)} (0 is best).", there))
        precision = cell_of(own.metrics, f"precision{ending}")
        recall = cell_of(own.metrics, f"recall{ending}")
        if precision and recall:
            text = (
                f"{say_share(precision)} of its samples lie among real images, and "
                f"{say_share(recall)} of the real images among samples{space}."
            )
            sentences.append(Sentence(text, there))
    there = anchor(name, "memorisation")
    return sentences + _say_copies(own, there) + _say_mixing(results)


def _samples_measured(results: Results) -> str:
    """The samples to speak of: the buffer's, or fresh chains' if those are missing."""
    return next((name for name in SAMPLES if name in results), "samples")


def _say_copies(own: Result, there: str) -> list[Sentence]:
    for space in ("features", "features_network", "pixels"):
        copies = cell_of(own.metrics, f"memorisation/{space}/copies")
        if copies and copies.value is not None:
            chance = own.metrics.get(f"memorisation/{space}/copies_by_chance")
            if chance is None:  # of an earlier version
                found, most = judge(copies, COPIES) == CAN, ""
            else:
                found, most = copies.value > chance, f"; by chance up to {chance:.1%}"
            verdict = "It copies" if found else "No sign that it copies"
            text = (
                f"{verdict} training images: {say_share(copies)} of the samples are as "
                f"near to one as the nearest {COPIES:.0%} of test images are{most}."
            )
            return [Sentence(text, there)]
    return []


def _say_mixing(results: Results) -> list[Sentence]:
    own = results.get("chains")
    rhat = cell_of(own.metrics, "rhat") if own else None
    if not rhat or rhat.value is None:
        return []
    mixed = "mix" if rhat.value < 1.01 else "do not mix"  # Vehtari et al. 2021
    text = f"Its chains of p(x) {mixed}: R-hat of E(x) is {say_number(rhat)} "
    text += "(below 1.01 if so)."
    return [Sentence(text, anchor("chains", "numbers"))]
