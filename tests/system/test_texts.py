import csv

import pytest

from jem_tf.system import texts


@pytest.mark.parametrize("word", ["", "cat", "鳥 と 猫", "👩‍🔬", "a\u3000b", "$"])
def test_a_line_of_any_script_is_text(word):
    assert texts.is_text(word)


@pytest.mark.parametrize("word", ["\udcff", "a\tb", "\x7f", "\n", "\u2029"])
def test_halves_of_characters_and_control_characters_are_none(word):
    assert not texts.is_text(word)


def test_what_is_no_text_is_shown_escaped():
    assert texts.escaped("a\nb\udcff\u2028é 鳥\\") == r"a\nb\udcff\u2028é 鳥" + "\\"


@pytest.mark.parametrize("size", range(12))
def test_a_text_is_cut_between_characters(size):
    word = "aé鳥😀b"
    cut = texts.cut(word, size)
    assert word.startswith(cut)
    assert len(cut.encode()) <= size
    assert len(word[: len(cut) + 1].encode()) > size or cut == word


def test_a_word_is_found_among_names_however_its_accents_are_written():
    names = ["cat", "cafe\u0301", "\u00e9", "e\u0301"]
    assert texts.find("cat", names) == 0
    assert texts.find("caf\u00e9", names) == 1
    assert [texts.find(name, names) for name in names] == [0, 1, 2, 3]
    assert texts.find("dog", names) is None


@pytest.mark.parametrize(
    ("name", "quoted"), [("a b", "a b"), ("a, b", '"a, b"'), ('a"', '"a"""')]
)
def test_a_name_with_a_comma_or_quotes_is_quoted_as_csv_has_it(name, quoted):
    assert texts.quote(name) == quoted
    assert next(csv.reader([f"{quoted},x"])) == [name, "x"]
