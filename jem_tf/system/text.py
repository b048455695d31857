"""Text that comes from outside, such as names: is it text, and how long is it?"""

import unicodedata

# Control characters, halves of UTF-16 pairs (what Python makes of bytes that are no
# UTF-8), separators of lines and of paragraphs.
NO_TEXT = ("Cc", "Cs", "Zl", "Zp")


def is_text(text: str) -> bool:
    """Whether a name or value is one line of valid Unicode without control characters.

    Other names cannot be written to files in UTF-8, drawn, or put in a flagfile.
    """
    return not any(unicodedata.category(character) in NO_TEXT for character in text)


def cut(text: str, size: int) -> str:
    """Cuts a text to at most `size` bytes of UTF-8, between two characters."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
