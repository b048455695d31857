"""What a label means: a class by its name, by a number that is its name, or its place.

A place is a class's number in arrays of labels: 0 to K - 1, in the order of the names.
"""

import re
from collections.abc import Sequence

from jem_tf.errors import InputError, argument
from jem_tf.system import texts

_NUMBER = re.compile("-?[0-9]+")
LONGEST = 18  # digits of a number that may be a label


def are_numbers(names: Sequence[str]) -> bool:
    """Returns whether all names of classes are whole numbers, such as "0" or "-12"."""
    return all(map(_NUMBER.fullmatch, names))


def has_numbers(names: Sequence[str]) -> bool:
    """Returns whether the name of any class is a whole number."""
    return any(map(_NUMBER.fullmatch, names))


def find_class(label: int | str, names: Sequence[str]) -> int | None:
    """Finds the place of the class that a user names, by text or by number.

    A number, or text that is one, means the class of exactly that name. If there is
    none and all names are whole numbers, it means the one class of that value ("01" for
    1); if no name is one, it is the place.

    Args:
      label: what the user gave.
      names: [K], the names of the classes.

    Returns:
      The place; None if there is no such class.

    Raises:
      InputError: if the label is the place of a class, no name, and some names are
        numbers, so that it may be either.
    """
    word = str(label)
    if (place := texts.find(word, names)) is not None:
        return place
    word = word.strip()
    if not _NUMBER.fullmatch(word) or len(word) > LONGEST:
        return None
    number = int(word)
    if are_numbers(names):
        values = [int(name) for name in names]
        return values.index(number) if values.count(number) == 1 else None
    if not 0 <= number < len(names):
        return None
    if has_numbers(names):
        raise InputError(
            f"{argument('label', label)} is the name of no class, and some names are "
            "numbers, so that it is ambiguous; give the name of the class."
        )
    return number
