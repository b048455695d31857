"""An error names arguments in a library and flags in a program."""

import numpy as np
import pytest

from jem_tf.errors import InputError, argument, arguments_renamed, whole_number


def raised(message):
    with pytest.raises(InputError) as caught:
        raise InputError(message)
    return caught.value


def test_a_library_user_reads_arguments_and_a_programs_user_flags():
    error = raised(f"{argument('steps', 3)} is too few; raise it or {argument('k')}.")
    assert str(error) == "steps=3 is too few; raise it or k."
    assert error.with_flags() == "--steps=3 is too few; raise it or --k."


def test_a_flag_may_have_another_name_than_the_argument():
    error = raised(f"{argument('name', 'x')} is none of {argument('steps')}.")
    assert error.with_flags({"name": "dataset"}) == "--dataset=x is none of --steps."


def test_an_argument_handed_on_under_another_name_is_called_by_the_first():
    with pytest.raises(InputError) as caught, arguments_renamed(name="sets"):
        raise InputError(f"{argument('name', 'a=b')} is none; see {argument('seed')}.")
    assert str(caught.value) == "sets=a=b is none; see seed."
    assert caught.value.with_flags() == "--sets=a=b is none; see --seed."


@pytest.mark.parametrize("value", ["--x", "{steps}", "name=3", "a\\1b", 0, False])
def test_a_value_is_shown_as_it_is(value):
    error = raised(f"{argument('name', value)} is none.")
    assert str(error) == f"name={value} is none."
    assert error.with_flags() == f"--name={value} is none."


def test_it_is_a_value_error():
    assert isinstance(raised("x"), ValueError)


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_a_whole_number_is_one_whatever_its_type(value):
    number = whole_number("n", value, 1)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [True, np.bool_(True), 2.0, "3", None, [1]])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(InputError, match=r"^n is .*give a whole number"):
        whole_number("n", value, 1)


@pytest.mark.parametrize("value", [0, -1, 7, 2**40])
def test_a_number_out_of_range_is_refused_with_the_range(value):
    with pytest.raises(InputError, match=rf"^n is {value}; it must be from 1 to 6\."):
        whole_number("n", value, 1, 7)


def test_a_sentence_that_follows_names_flags_too():
    error = InputError(f"{argument('path', 'x')} is absent.")
    longer = error.followed_by(f"Give {argument('start', 'noise')}.")
    assert str(longer) == "path=x is absent. Give start=noise."
    assert longer.with_flags() == "--path=x is absent. Give --start=noise."
