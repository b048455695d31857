import re

from jem_tf.evaluation.report_page import published_numbers
from jem_tf.evaluation.report_page.published_numbers import NUMBERS


def test_every_number_is_a_number_or_a_range_with_a_paper():
    for number in NUMBERS:
        assert re.fullmatch(r"\d+(\.\d+)?( to \d+(\.\d+)?)?", number.value), number
        assert re.search(r"arXiv \d{4}\.\d{5}", number.source), number
        assert number.protocol.startswith(number.dataset), number


def test_no_model_has_two_numbers_of_one_protocol():
    places = [(n.model, n.quantity, n.protocol) for n in NUMBERS]
    assert len(places) == len(set(places))


def test_a_protocol_says_all_that_changes_a_number():
    say = published_numbers.of_test_images
    assert say("cifar10", 10_000) == "cifar10, all 10,000 test images, no noise"
    assert say("cifar10", 500) == "cifar10, 500 test images, no noise"
    several = {
        say("cifar10", 10_000),
        say("cifar10", 9_999),
        say("cifar100", 10_000),
        say("cifar10", 10_000, 0.03),
        say("cifar10", 10_000, 0.03, 20),
        say("cifar10", 10_000, 0.03, 15),
    }
    assert len(several) == 6
