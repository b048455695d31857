import pytest

from jem_tf.datasets import class_numbers


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        ("cat dog", {0: 0, 1: 1}),
        ("0 1 2", {0: 0, 1: 1, 2: 2}),
        ("1 2 10", {1: 0, 2: 1, 10: 2}),
        ("-1 0 1", {-1: 0, 0: 1, 1: 2}),
        ("1 01 2", {2: 2}),
        ("1 two", {0: 0, 1: 1}),
        ("1.0 2.0", {0: 0, 1: 1}),
    ],
)
def test_a_number_means_the_class_of_that_name_or_else_the_place(names, meant):
    assert class_numbers.by_number(names.split()) == meant
