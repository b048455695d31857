"""Names of classes: which of them a run can write, draw and be asked for."""

from collections import Counter
from collections.abc import Sequence

from jem_tf.errors import InputError, argument
from jem_tf.system import texts

SHOWN = 5  # names in an error


def check_names(names: Sequence[str], name: str) -> None:
    """Checks the names of a data set's classes.

    Args:
      names: [K].
      name: of the data set, for the message.

    Raises:
      InputError: if one is no text (bytes that are not UTF-8, control characters), or
        empty, or two look alike (accents in either form, spaces around them).
    """
    strange = [word for word in names if not word.strip() or not texts.is_text(word)]
    if strange:
        shown = ", ".join(map(repr, strange[:SHOWN]))
        more = f" and {len(strange) - SHOWN} more" if len(strange) > SHOWN else ""
        raise InputError(
            f"{argument('name', name)} has class names that are not text: {shown}"
            f"{more}; rename them, in UTF-8 and without control characters."
        )
    seen = Counter(map(texts.normalised, names))
    if alike := [word for word in names if seen[texts.normalised(word)] > 1]:
        raise InputError(
            f"{argument('name', name)} has class names that look alike: "
            f"{', '.join(map(ascii, alike[:SHOWN]))}; put them together, or rename one."
        )
