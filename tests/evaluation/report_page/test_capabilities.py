"""Each number of a sentence comes from the results."""

import pytest

from jem_tf.evaluation.report_page import capabilities
from jem_tf.evaluation.report_page.run_results import Result
from jem_tf.evaluation.report_page.sentences import CAN, CANNOT
from tests.evaluation.report_page.pages import CALIBRATION, CIFAR, make_run, put_figure

CLASSES = [f"class {i}" for i in range(10)]
SHIFT = {
    "corrupted_accuracy/mean/severity_5": 0.557,
    "corrupted_ece/mean/severity_5": 0.229,
}
SAMPLES = {
    "fid": 77.7,
    "fid_std": 0.6,
    "samples": 5000,
    "precision": 0.82,
    "recall": 0.7,
    "memorisation/features/copies": 0.014,
    "memorisation/features/copies_ci": [0.002, 0.028],
}
CHAINS = {"rhat": 1.31}


def said(metrics, name="calibration", baseline=None, protocol=()):
    results = {name: Result(metrics, CIFAR | dict(protocol), {}, [])}
    others = {name: Result(baseline, CIFAR, {}, [])} if baseline else {}
    cards = capabilities.make_cards(results, others, CLASSES)
    return [sentence for card in cards for sentence in card.sentences]


def text(*arguments, **more):
    return " ".join(sentence.text for sentence in said(*arguments, **more))


SEVERITY_5 = [f"corrupted_{key}/mean/severity_5" for key in ("accuracy", "ece")]
COPIES = "memorisation/features/copies"


@pytest.mark.parametrize(
    ("name", "key", "before", "value", "after"),
    [
        ("calibration", "accuracy", "91.7%", 0.803, "80.3%"),
        ("calibration", "accuracy_ci", "91.2%", [0.7, 0.95], "[70.0%, 95.0%]"),
        ("calibration", "ece", "1.3%", 0.089, "8.9%"),
        ("calibration", "temperature", "0.895", 2.5, "too sure"),
        ("calibration", "ece_temperature_scaled", "0.8%", 0.066, "6.6%"),
        ("calibration", SEVERITY_5[0], "55.7%", 0.444, "44.4%"),
        ("calibration", SEVERITY_5[1], "22.9%", 0.333, "33.3%"),
        ("samples", "fid", "77.7 ± 0.600", 12.3, "12.3 ± 0.600"),
        ("samples", "samples", "5,000", 500, "500 samples"),
        ("samples", "precision", "82.0%", 0.111, "11.1%"),
        ("samples", "recall", "70.0%", 0.222, "22.2%"),
        ("samples", COPIES, "1.4%", 0.055, "5.5%"),
        (
            "chains",
            "rhat",
            "p(x) do not mix: R-hat of E(x) is 1.31",
            1.002,
            "of p(x) mix",
        ),
    ],
)
def test_a_sentence_changes_with_its_number(name, key, before, value, after):
    all_metrics = {"calibration": CALIBRATION | SHIFT, "samples": SAMPLES}
    metrics = all_metrics.get(name, CHAINS)
    assert before in text(metrics, name)
    changed = text(metrics | {key: value}, name)
    assert after in changed
    assert before not in changed


def test_a_verdict_goes_by_the_interval_and_the_number_of_classes():
    chance = {"accuracy": 0.1, "accuracy_ci": [0.08, 0.1]}
    assert said(CALIBRATION)[0].verdict == CAN
    (first, *_) = said(CALIBRATION | chance)
    assert first.verdict == CANNOT
    assert first.text.startswith(
        "It cannot classify: 10.0% [8.0%, 10.0%] of all 10,000"
    )
    assert "guessing gives 10.0%" in first.text


def test_samples_are_copies_if_they_are_clearly_more_than_test_images_are():
    assert "No sign that it copies" in text(SAMPLES, "samples")
    more = SAMPLES | {"memorisation/features/copies_ci": [0.02, 0.09]}
    assert ". It copies training images" in text(more, "samples")
    for chance, says in ((0.013, ". It copies"), (0.02, ". No sign that it copies")):
        told = text(SAMPLES | {f"{COPIES}_by_chance": chance}, "samples")
        assert says in told
        assert f"; by chance up to {chance:.1%}." in told


def test_a_temperature_of_images_that_were_trained_on_says_so():
    assert "trained on most of these" not in text(CALIBRATION)
    imported = {"validation_images_were": "seen"}
    told = text(CALIBRATION, protocol=imported)
    assert "But the network was trained on most of these images." in told


def test_a_baseline_stands_in_the_sentence():
    other = CALIBRATION | {"accuracy": 0.8, "accuracy_ci": [0.79, 0.81]}
    assert ", more than the baseline's 80.0% [79.0%, 81.0%]" in text(
        CALIBRATION, baseline=other
    )


def test_what_was_not_measured_makes_no_card_and_no_sentence():
    assert capabilities.make_cards({}, {}, CLASSES) == []
    assert said({"zzz": 1}) == []
    assert "n/a" in text({"accuracy": None})


def test_samples_by_class_are_the_picture_of_their_card(tmp_path):
    run = make_run(tmp_path)
    figures = {n: put_figure(run, f"samples_{n}") for n in ("classes", "grid")}
    results = {"samples": Result(SAMPLES, CIFAR, figures, [])}
    (card,) = capabilities.make_cards(results, {}, CLASSES)
    assert not card.plot
    assert card.picture.startswith(b"\x89PNG")


def test_fresh_chains_are_spoken_of_where_the_buffer_was_not_measured(tmp_path):
    run = make_run(tmp_path)
    figures = {"classes": put_figure(run, "fresh_samples_classes")}
    fresh = {"fresh_samples": Result(SAMPLES, CIFAR, figures, [])}
    (card,) = capabilities.make_cards(fresh, {}, CLASSES)
    assert card.picture.startswith(b"\x89PNG")
    first = card.sentences[0]
    assert "samples from fresh chains to real images" in first.text
    assert all(
        sentence.anchor.startswith("fresh-samples") for sentence in card.sentences
    )
    both = fresh | {"samples": Result(SAMPLES, CIFAR, {}, [])}
    (card,) = capabilities.make_cards(both, {}, CLASSES)
    assert "fresh" not in card.sentences[0].text


def test_a_stale_figure_is_no_picture(tmp_path):
    results = {"samples": Result(SAMPLES, CIFAR, {}, ["classes"])}
    (card,) = capabilities.make_cards(results, {}, CLASSES)
    assert card.picture is None
