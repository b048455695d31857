"""Names in figures: drawn as they are, in fonts that have their letters.

Matplotlib reads `$` as mathematics and draws a box where its font has no letter, as it
has none of Chinese or Japanese. `drawable` says what to write, `style` how.
"""

import contextlib
import functools
import logging
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jem_tf.system import console

WIDE, NARROW = 30, 13  # letters of a name beside a row, above or below an image
SHOWN = 3  # names in a line of the log
NO_FONT = "Last Resort"  # it has a sign for every letter, and the sign is a box


def drawable(
    names: Sequence[str], *, what: str = "class", width: int = WIDE
) -> list[str]:
    """Makes names as a figure can show them.

    Long ones are cut in their middle. One of letters that no installed font has
    becomes its number, such as "class 3", and a line says so.

    Args:
      names: [K], of all classes, in the order of their numbers.
      what: the names are of.
      width: letters at most; one of Chinese counts twice.

    Returns:
      [K].
    """
    texts = _replace(tuple(map(_clean, names)), what)
    return [shorten(text, width) for text in texts]


def style(texts: Iterable[str]) -> dict[str, Any]:
    """Properties of a matplotlib Text that shows texts as they are.

    Args:
      texts: all that are shown so; fonts are looked for that have their letters.

    Returns:
      {property: value}.
    """
    plain: dict[str, Any] = {"parse_math": False, "usetex": False}
    more, _ = _choose_fonts("".join(texts))
    if not more:
        return plain
    import matplotlib

    return plain | {"fontfamily": [*matplotlib.rcParams["font.family"], *more]}


def shorten(text: str, width: int) -> str:
    """Cuts a text that is wider than so many letters in its middle."""
    if measure(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{_begin(text, width - 1 - tail)}…{_begin(text[::-1], tail)[::-1]}"


def measure(text: str) -> int:
    """How wide a text is, in letters; one of Chinese is as wide as two."""
    return len(text) + sum(unicodedata.east_asian_width(x) in "WF" for x in text)


@functools.lru_cache
def _choose_fonts(letters: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """What shows the letters that the default fonts have not.

    Returns:
      (families of installed fonts, the letters that no font has).
    """
    missing = {x for x in letters if not any(_has(file, x) for file in _default())}
    families: list[str] = []
    while missing and (best := _best_family(missing)):
        family, covered = best
        families.append(family)
        missing -= covered
    return tuple(families), frozenset(missing)


@contextlib.contextmanager
def quiet_fonts() -> Iterator[None]:
    """A context in which matplotlib does not warn of a font in another weight."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _best_family(letters: set[str]) -> tuple[str, set[str]] | None:
    """The family of the font that has most of the letters, and which those are."""
    best: tuple[str, set[str]] = "", set()
    for family, file in _installed():
        covered = {x for x in letters if _has(file, x)}
        if len(covered) > len(best[1]):
            drawn = _find(family)  # of several files, the one that a figure will take
            covered = {x for x in covered if drawn and _has(drawn, x)}
            best = max(best, (family, covered), key=lambda pair: len(pair[1]))
    return best if best[1] else None


@functools.lru_cache
def _replace(names: tuple[str, ...], what: str) -> list[str]:
    """Names that can be drawn, and numbers for others; says so once."""
    _, missing = _choose_fonts("".join(names))
    strange = [name for name in names if missing & set(name)]
    if strange:
        more = ", ..." if len(strange) > SHOWN else ""
        console.say(
            f"figures show numbers in the place of {', '.join(strange[:SHOWN])}{more}: "
            "no installed font has these letters; install one, such as Noto Sans CJK"
        )
    numbers = (f"{what} {i}" for i in range(len(names)))
    pairs = zip(names, numbers, strict=True)
    return [number if name in strange else name for name, number in pairs]


def _clean(name: str) -> str:
    """A name with accents on their letters, without what shows nothing."""
    composed = unicodedata.normalize("NFC", name)
    return "".join(x for x in composed if not _is_invisible(x))


def _is_invisible(letter: str) -> bool:
    """Joiners, marks of direction, and those that choose between a letter's forms."""
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


def _begin(text: str, width: int) -> str:
    """The longest beginning that is not wider."""
    ends = range(len(text), -1, -1)
    return next(text[:end] for end in ends if measure(text[:end]) <= width)


def _default() -> list[str]:
    """The files of the fonts that matplotlib takes unless told otherwise."""
    import matplotlib
    from matplotlib import font_manager

    return [
        font_manager.findfont(font_manager.FontProperties(family=[family]))
        for family in matplotlib.rcParams["font.family"]
    ]


def _find(family: str) -> str | None:
    from matplotlib import font_manager

    properties = font_manager.FontProperties(family=[family])
    try:
        with quiet_fonts():
            return font_manager.findfont(properties, fallback_to_default=False)
    except ValueError:
        return None


@functools.lru_cache
def _installed() -> list[tuple[str, str]]:
    """[(family, file)] of all fonts, upright ones of usual weight first.

    Matplotlib's own list is of the day when it was made; fonts installed since are
    added to it.
    """
    from matplotlib import font_manager

    manager = font_manager.fontManager
    listed = {str(font.fname) for font in manager.ttflist}
    for file in sorted({*font_manager.findSystemFonts()} - listed):
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            manager.addfont(file)
    fonts = [font for font in manager.ttflist if not font.name.startswith(NO_FONT)]
    fonts.sort(key=lambda x: (x.style != "normal", x.weight != 400, x.name, x.fname))
    return list(
        {str(font.fname): (font.name, str(font.fname)) for font in fonts}.values()
    )


@functools.lru_cache(maxsize=10_000)
def _has(file: str, letter: str) -> bool:
    """Whether a font has a letter, as an outline: a bitmap cannot be drawn."""
    from matplotlib import font_manager

    try:
        font = font_manager.get_font(file)
        if not font.get_char_index(ord(letter)):
            return False
        font.load_char(ord(letter))
        return letter.isspace() or len(font.get_path()[0]) > 0
    except (OSError, RuntimeError, ValueError):
        return False
