import pytest

from jem_tf.evaluation.attacks import AttackSettings
from jem_tf.evaluation.autoattack import standard_set
from jem_tf.evaluation.report_page import attack_sentences
from jem_tf.evaluation.report_page.run_results import Result
from jem_tf.evaluation.report_page.sentences import CAN, CANNOT
from tests.evaluation.report_page.pages import CIFAR

ATTACKED = CIFAR | {
    "attack": "PGD (foolbox LinfPGD, L2PGD), untargeted",
    "images": "the first 100 of the test split",
}


def metrics(**shares):
    return {
        f"robust_accuracy/{radius}/{column}{ending}": value
        for column, share in shares.items()
        for radius in ("linf/0", "linf/8", "linf/255", "l2/0.5")
        for ending, value in (("", share), ("_ci", [share - 0.05, share + 0.05]))
    }


def say(found, name="robustness", **protocol):
    results = {name: Result(found, ATTACKED | protocol, {}, [])}
    return attack_sentences.say_attacks(results, {}, 0.1)


def test_the_least_and_the_most_refinement_are_spoken_of():
    first, last = say(metrics(jem0=0.04, jem1=0.5, jem10=0.3))
    assert (first.verdict, last.verdict) == (CANNOT, CAN)
    assert first.text == (
        "JEM-0 cannot withstand PGD: of the first 100 of 10,000 test images, 4.0% "
        "[-1.0%, 9.0%] within L∞ 8/255 and 4.0% [-1.0%, 9.0%] within L2 0.5 stay "
        "right; guessing gives 10.0%."
    )
    assert last.text.startswith("JEM-10 can withstand PGD: ")


def test_the_worse_norm_decides():
    found = metrics(jem0=0.5) | {"robust_accuracy/l2/0.5/jem0_ci": [0.01, 0.02]}
    assert say(found)[0].verdict == CANNOT


def test_the_largest_radius_stands_in_where_the_usual_was_not_measured():
    found = {f"robust_accuracy/linf/{r}/jem0": 0.5 for r in (0, 1, 2, 255)}
    assert "within L∞ 2/255" in say(found)[0].text
    assert say({"robust_accuracy/linf/0/jem0": 0.5}) == []


@pytest.mark.parametrize(("steps", "said"), [(100, ": of"), (99, " cut short: of")])
def test_a_shortened_autoattack_is_called_so(steps, said):
    settings = AttackSettings(steps=steps, restarts=1, seed=0)
    protocol = standard_set.describe_standard_set(settings)
    (first,) = say(metrics(jem0=0.5), "autoattack", **protocol)
    assert f"withstand AutoAttack{said}" in first.text


@pytest.mark.parametrize(
    ("name", "attack", "called"),
    [
        ("small_radii", "AutoAttack: APGD-CE, ...", "AutoAttack"),
        ("small_radii_pgd", "PGD, 40 steps ...", "PGD"),
    ],
)
def test_of_small_radii_the_numbers_are_told_without_a_verdict(name, attack, called):
    found = {"robust_accuracy/linf/1/jem0": 0.5, "robust_accuracy/l2/0.25/jem0": 0.4}
    (only,) = say(found, name, attack=attack)
    assert only.verdict == ""
    assert only.text == (
        f"Within small radii, under {called}, of the first 100 of 10,000 test images, "
        "50.0% within L∞ 1/255 and 40.0% within L2 0.25 stay right (JEM-0)."
    )


def test_a_check_that_failed_is_told():
    sanity = {"unbounded_attack_reaches_0": {"ok": False}, "other": {"ok": True}}
    _, warning = say(metrics(jem0=0.5), sanity=sanity)
    assert "unbounded attack reaches 0" in warning.text
