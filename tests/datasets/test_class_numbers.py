import numpy as np
import pytest

from jem_tf.datasets import class_numbers
from jem_tf.errors import InputError
from jem_tf.generation import request
from jem_tf.serving import argument_checks


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        ("cat dog", {0: 0, 1: 1, 2: None, -1: None}),
        ("0 1 2", {0: 0, 1: 1, 2: 2}),
        ("1 2 10", {1: 0, 2: 1, 10: 2, 0: None}),
        ("-1 0 1", {-1: 0, 0: 1, 1: 2}),
        ("1 01 2", {1: 0, 2: 2}),
        ("001 01 2", {1: None, 2: 2}),
        ("01 02", {1: 0, "1": 0, "02": 1}),
        ("1 two", {1: 0, 2: None}),
        ("1.0 2.0", {0: 0, 1: 1}),
        ("0 1 10 11 2 3 unknown", {2: 4, 3: 5, 10: 2, 11: 3, 12: None}),
        ("cat dog", {"9" * 5000: None}),
    ],
)
def test_a_number_means_the_class_of_that_name_or_else_the_place(names, meant):
    found = {y: class_numbers.find_class(y, names.split()) for y in meant}
    assert found == meant


MIXED = ("0", "1", "10", "11", "2", "3", "unknown")


@pytest.mark.parametrize("label", [0, 1, 2, 3, 10, 11])
def test_a_number_is_one_class_as_a_flag_and_as_an_argument(label):
    place = MIXED.index(str(label))
    assert request.parse_labels(str(label), MIXED) == [place]
    for given in (label, str(label), np.int64(label)):
        assert argument_checks.class_number(given, MIXED) == place


def test_a_place_is_ambiguous_where_some_names_are_numbers():
    says = "is the name of no class, .* ambiguous; give the name of the class"
    with pytest.raises(InputError, match=f"^labels=6 {says}"):
        request.parse_labels("6", MIXED)
    for given in (6, "6"):
        with pytest.raises(InputError, match=f"^label=6 {says}"):
            argument_checks.class_number(given, MIXED)
