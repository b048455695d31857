"""Text that comes from outside, such as names: is it text, and how long is it?"""

import unicodedata
from collections.abc import Sequence

# Control characters, halves of UTF-16 pairs (what Python makes of bytes that are no
# UTF-8), separators of lines and of paragraphs.
NO_TEXT = ("Cc", "Cs", "Zl", "Zp")


def is_text(text: str) -> bool:
    """Whether a name or value is one line of valid Unicode without control characters.

    Other names cannot be written to files in UTF-8, drawn, or put in a flagfile.
    """
    return not any(unicodedata.category(character) in NO_TEXT for character in text)


def escaped(text: str) -> str:
    """A text as one line of valid Unicode: what is no text as Python writes it."""
    return "".join(c if is_text(c) else repr(c)[1:-1] for c in text)


def cut(text: str, size: int) -> str:
    """Cuts a text to at most `size` bytes of UTF-8, between two characters."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def find(word: str, names: Sequence[str]) -> int | None:
    """The place of a word among names, or None.

    An accent may be a character of its own (Unicode's NFD, as macOS names files) or
    not (NFC, as keyboards write): a name that is the same but for that, or for spaces
    around it, counts if no other does.
    """
    if word in names:
        return list(names).index(word)
    plain = [normalised(name) for name in names]
    return plain.index(normalised(word)) if plain.count(normalised(word)) == 1 else None


def quote(name: str) -> str:
    """A name as it stands in a list: in quotes, as in CSV, if it has a comma or quotes.

    `generation.request.parse_labels` reads it back.
    """
    return '"{}"'.format(name.replace('"', '""')) if set(name) & set(',"') else name


def normalised(name: str) -> str:
    """A name with its accents in one form (NFC) and no spaces around it."""
    return unicodedata.normalize("NFC", name).strip()
