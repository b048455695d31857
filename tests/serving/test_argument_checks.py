"""What a user gives is taken or refused in a sentence that names it."""

import numpy as np
import pytest

from jem_tf.errors import InputError
from jem_tf.serving import argument_checks

SHAPE = (4, 5, 3)


def test_a_class_is_its_number_or_its_name():
    names = ("cat", "dog")
    assert [
        argument_checks.class_number(y, names) for y in (0, "dog", np.int64(1))
    ] == [0, 1, 1]
    with pytest.raises(InputError, match="label is 'cow'; the classes are cat, dog"):
        argument_checks.class_number("cow", names)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_one_image_is_a_batch_of_one_and_floats_are_float32(dtype):
    one, many = np.zeros(SHAPE, dtype), np.zeros([2, *SHAPE], dtype)
    for images, single in ((one, True), (many, False)):
        batch, was_single = argument_checks.image_batch(images, SHAPE)
        assert (batch.ndim, was_single) == (4, single)
        assert batch.dtype == ("uint8" if dtype == "uint8" else "float32")


@pytest.mark.parametrize("far", [2.01, -3, 255])
def test_floats_that_are_not_about_in_minus_one_to_one_are_refused(far):
    with pytest.raises(InputError, match=r"scale them to\s+\[-1, 1\]"):
        argument_checks.image_batch(np.full(SHAPE, far, "float32"), SHAPE)


def test_floats_between_0_and_1_are_warned_of():
    images = np.linspace(0, 1, 60, dtype="float32").reshape(SHAPE)
    with pytest.warns(UserWarning, match=r"float images all lie in \[0, 1\]"):
        batch, _ = argument_checks.image_batch(images, SHAPE)
    np.testing.assert_array_equal(batch[0], images)


def test_a_number_is_the_class_of_that_name_where_names_are_numbers():
    names = ("1", "2", "10")
    assert [argument_checks.class_number(y, names) for y in (1, "2", 10)] == [0, 1, 2]
    for absent in (0, 3, 11):
        with pytest.raises(InputError, match=f"^label is {absent}; "):
            argument_checks.class_number(absent, names)


@pytest.mark.parametrize("names", [["vim"], ("vim",), {"vim"}, iter(["vim"])])
def test_names_of_scores_are_a_list_however_they_are_given(names):
    assert argument_checks.score_names(names) == ["vim"]


@pytest.mark.parametrize("names", ["vim", None, 5, [["vim"]], ["vim", "x"]])
def test_what_names_no_score_is_refused(names):
    with pytest.raises(InputError, match="give a list of some of log_px"):
        argument_checks.score_names(names)
