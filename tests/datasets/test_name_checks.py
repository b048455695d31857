import pytest

from jem_tf.datasets import name_checks
from jem_tf.errors import InputError

STRANGE = ["\udcff\udcfe", "a\nb", "a\x1b[31m", "a\x00", "a\u2028b", " ", "\x85"]


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_that_is_no_text_is_refused_as_it_can_be_read(name):
    says = r"^name=x has class names that are not text: .*; rename them, in UTF-8"
    with pytest.raises(InputError, match=says) as refused:
        name_checks.check_names(["cat", name], "x")
    assert repr(name) in str(refused.value)
    str(refused.value).encode()  # a terminal can show it


def test_many_such_names_are_counted():
    with pytest.raises(InputError, match=r"'a\\x00e' and 3 more; rename"):
        name_checks.check_names([f"a\0{letter}" for letter in "abcdefgh"], "x")


def test_text_of_any_script_is_a_name():
    names = ["鳥", "a, b", "$x$", "<b>", "été", "👩‍🔬", "ไทย", "ابن", "-1", "a b", '"']
    name_checks.check_names(names, "x")


@pytest.mark.parametrize("pair", [("caf\u00e9", "cafe\u0301"), ("a", "a ")])
def test_names_that_look_alike_are_refused(pair):
    with pytest.raises(InputError, match=r"look alike: .*; put them together") as error:
        name_checks.check_names(["dog", *pair], "x")
    assert ", ".join(map(ascii, pair)) in str(error.value)
    name_checks.check_names(["A", "a", "\u00e9", "e"], "x")
