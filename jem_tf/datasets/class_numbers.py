"""What a number means as a label: the class of that name, where names are numbers."""

import re
from collections.abc import Sequence


def are_numbers(names: Sequence[str]) -> bool:
    """Returns whether all names of classes are whole numbers, such as "0" or "-12"."""
    return all(re.fullmatch("-?[0-9]+", name) for name in names)


def by_number(names: Sequence[str]) -> dict[int, int]:
    """Maps the numbers that mean classes to the classes' places in `names`.

    Returns:
      {number: place}. The number is the class's name if all names are whole numbers,
      but for those that two classes share ("1" and "01"); else it is the place.
    """
    if not are_numbers(names):
        return {place: place for place in range(len(names))}
    numbers = [int(name) for name in names]
    return {n: place for place, n in enumerate(numbers) if numbers.count(n) == 1}
