import pytest

from jem_tf.system import text


@pytest.mark.parametrize("word", ["", "cat", "鳥 と 猫", "👩‍🔬", "a\u3000b", "$"])
def test_a_line_of_any_script_is_text(word):
    assert text.is_text(word)


@pytest.mark.parametrize("word", ["\udcff", "a\tb", "\x7f", "\n", "\u2029"])
def test_halves_of_characters_and_control_characters_are_none(word):
    assert not text.is_text(word)


@pytest.mark.parametrize("size", range(12))
def test_a_text_is_cut_between_characters(size):
    word = "aé鳥😀b"
    cut = text.cut(word, size)
    assert word.startswith(cut)
    assert len(cut.encode()) <= size
    assert len(word[: len(cut) + 1].encode()) > size or cut == word
