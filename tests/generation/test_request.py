"""What a request means: classes by name or number, fields for their modes."""

import numpy as np
import pytest

from jem_tf import sampling, starts
from jem_tf.errors import InputError
from jem_tf.generation import request
from jem_tf.replay import ReplayBuffer

NAMES = ("cat", "dog", "2")


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ("", None),
        ("all", [0, 1, 2]),
        (" all ", [0, 1, 2]),
        ("dog", [1]),
        ("dog, cat", [1, 0]),
        ("2", [2]),  # a name before a number
    ],
)
def test_labels_are_names_or_numbers(words, classes):
    assert request.parse_labels(words, NAMES) == classes


def test_a_number_is_a_place_where_no_name_is_a_number():
    assert request.parse_labels("0,1", ("cat", "dog")) == [0, 1]
    with pytest.raises(InputError, match="choose among cat, dog, the numbers 0 to 1"):
        request.parse_labels("2", ("cat", "dog"))


def test_a_number_that_may_be_a_place_or_a_name_is_refused():
    with pytest.raises(InputError, match=r"^labels=0 is .* ambiguous; give the name"):
        request.parse_labels("2,0", NAMES)


ODD = (
    "a",
    "a,b",
    'say "hi"',
    "b",
    "all",
    "猫",
    "e\u0301te\u0301",
    " c",
    "a, b, c",
    "12",
)


@pytest.mark.parametrize(
    ("words", "classes"),
    [
        ("a,b", [1]),  # the longest name
        ('"a",b', [0, 3]),
        ("a, b, c", [8]),
        ("a,b,a,b", [1, 1]),
        ("b,a,b", [3, 1]),
        ("a,12", [0, 9]),
        ('"a,b"', [1]),
        ('"say ""hi"""', [2]),
        ('say "hi", b', [2, 3]),
        ('"all"', [4]),
        ("all", list(range(10))),
        ("猫,b", [5, 3]),
        ("été", [6]),  # typed with accents of one character
        ("c", [7]),
        (" c,b", [7, 3]),
    ],
)
def test_names_with_commas_quotes_spaces_and_accents_are_found(words, classes):
    assert request.parse_labels(words, ODD) == classes


def test_names_that_are_the_same_but_for_accents_are_told_apart():
    names = ["\u00e9", "e\u0301"]
    for y, name in enumerate(names):
        assert request.parse_labels(name, names) == [y]


def test_names_in_an_error_are_shown_as_they_may_be_given():
    with pytest.raises(InputError, match='choose among a, "a,b", "say ""hi""", b'):
        request.parse_labels("nothing", ODD)


@pytest.mark.parametrize("words", ["bird", "3", "-1", "cat,", "9" * 20])
def test_a_class_that_there_is_not_is_refused_with_those_there_are(words):
    with pytest.raises(InputError, match="choose among cat, dog, 2, or all"):
        request.parse_labels(words, NAMES)


def test_a_field_of_another_mode_is_refused_by_name():
    with pytest.raises(InputError, match=r"^frames=3 is for mode=chain\.$"):
        request.Request(frames=3)
    with pytest.raises(InputError, match=r"^mode=inpaint needs an image"):
        request.Request("inpaint", image="a.png")


@pytest.mark.parametrize(("field", "value"), [("mode", "film"), ("start", "cold")])
def test_a_word_that_is_no_choice_is_refused(field, value):
    with pytest.raises(InputError, match=f"^{field}={value}: choose one of "):
        request.Request(**{field: value})


@pytest.mark.parametrize("by_class", [False, True])
def test_a_plan_knows_whether_chains_become_several_images(by_class):
    """Six chains; those of the first class are not samples, but one."""
    buffer = ReplayBuffer(
        6, starts.uniform((2, 2, 1)), num_classes=3 if by_class else None
    )
    buffer.origins.assign([starts.ALTERED, *[starts.UNKNOWN_ORIGIN] * 5])

    def twice(n, labels=None, begin="buffer", candidates=1):
        labels = None if labels is None else np.array(labels)
        plan = request.SamplingPlan(None, labels, begin, None, None, None, n)
        return plan.continues_chains_twice(buffer, candidates)

    assert [twice(5), twice(6), twice(6, begin="fresh")] == [False, True, False]
    assert twice(2, [0, 0]) == by_class
    assert not twice(5, [0, 1, 1, 2, 2])
    assert [twice(2, candidates=2), twice(2, candidates=3)] == [False, True]
    assert twice(2, [1, 2], candidates=3)


def test_a_second_batch_chooses_chains_anew():
    buffer = ReplayBuffer(1000, starts.uniform((1, 1, 1)))
    for n, twice in ((sampling.BATCH_SIZE, False), (sampling.BATCH_SIZE + 1, True)):
        plan = request.SamplingPlan(None, None, "buffer", None, None, None, n)
        assert plan.continues_chains_twice(buffer) == twice


def test_what_changed_is_what_is_not_as_by_default():
    assert request.Request().changed() == {}
    asked = request.Request("chain", steps=5, seed=2)
    assert asked.changed() == {"steps": 5, "seed": 2}


def test_a_number_is_the_class_of_that_name_where_names_are_numbers():
    names = ["1", "2", "10"]
    assert request.parse_labels("10,1", names) == [2, 0]
    for absent in ("0", "3"):
        with pytest.raises(InputError, match=r"choose among 1, 2, 10, or all"):
            request.parse_labels(absent, names)
