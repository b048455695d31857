"""How the first screen says a number: with its interval, as can, cannot or unproven."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jem_tf.evaluation import tables
from jem_tf.evaluation.report_page.comparison import cell_of, dataset_of
from jem_tf.evaluation.report_page.run_results import Result

# What of the protocol must agree for two numbers of a key to be compared: of all keys,
# and of those under a title.
ALWAYS: dict[str, Any] = {
    "dataset": None,
    "images": None,
    "test_split": "the test split",
}
OF_TITLES: dict[str, dict[str, Any]] = {
    "ece": {"bins": None},
    "auroc": {"half": "all"},
    "openood": {"half": "all", "openood": None},
    "corrupted_accuracy": {"corruptions": None},
    "robust_accuracy": dict.fromkeys(
        "attack pgd_steps restarts apgd_ce apgd_t fab_t square".split()
    ),
}
CAN, CANNOT, UNPROVEN = "can", "cannot", "cannot be shown to"


class Sentence(NamedTuple):
    """A sentence made from numbers of the results.

    text: plain text.
    anchor: id of the table that its numbers stand in.
    verdict: CAN, CANNOT, UNPROVEN or "" for a sentence that says no such thing.
    """

    text: str
    anchor: str
    verdict: str = ""


def say_share(cell: tables.Cell) -> str:
    """Says a share in percent, such as "91.7% [91.2%, 92.3%]"."""
    return _say(cell, percent)


def say_number(cell: tables.Cell) -> str:
    """Says a number in three digits, such as "0.917 [0.912, 0.923]"."""
    return _say(cell, three_digits)


def percent(value: float | None) -> str:
    """Such as "91.7%"; "n/a" for a number that is not finite."""
    return "n/a" if value is None else f"{value:.1%}"


def three_digits(value: float | None) -> str:
    """Such as "0.917", "77.8" or "0.00012"; "n/a" for a number that is not finite."""
    if value is None:
        return "n/a"
    return f"{value:.3f}" if 0.01 <= abs(value) < 1 or value == 1 else f"{value:.3g}"


def _say(cell: tables.Cell, form: Any) -> str:
    said = form(cell.value)
    if cell.interval is not None:
        return f"{said} [{', '.join(map(form, cell.interval))}]"
    if cell.deviation is not None:
        return f"{said} ± {form(cell.deviation)}"
    return said


def judge(cell: tables.Cell, chance: float) -> str:
    """CAN if the whole interval is above chance, CANNOT if none of it, or UNPROVEN.

    A number without an interval is compared itself.
    """
    low, high = _ends(cell)
    if low is None or high is None:
        return UNPROVEN
    if low > chance:
        return CAN
    return CANNOT if high <= chance else UNPROVEN


def compare(own: tables.Cell, other: tables.Cell) -> str:
    """Says of two numbers which is larger, if their intervals lie apart."""
    (low, high), (other_low, other_high) = _ends(own), _ends(other)
    if low is not None and other_high is not None and low > other_high:
        return "more than"
    if high is not None and other_low is not None and high < other_low:
        return "less than"
    return "not clearly different from"


def beside_baseline(
    baseline: Result | None, own: Result, key: str, form: Any = say_share
) -> str:
    """A clause that compares a number with the baseline's; "" if it has none.

    Both must have been measured alike: otherwise the clause says so, and does not
    compare.
    """
    mine = cell_of(own.metrics, key)
    theirs = cell_of(baseline.metrics, key) if baseline else None
    if baseline is None or mine is None or theirs is None or theirs.value is None:
        return ""
    if _how(own, key) != _how(baseline, key):
        return f" (the baseline's {form(theirs)} was measured otherwise)"
    return f", {compare(mine, theirs)} the baseline's {form(theirs)}"


def _how(result: Result, key: str) -> list[Any]:
    title, _, rest = key.partition("/")
    agreed = ALWAYS | OF_TITLES.get(title, {})
    protocol = result.protocol | {"dataset": dataset_of(result)}
    said = [protocol.get(name, usual) for name, usual in agreed.items()]
    if title == "auroc":
        sets = dict(result.protocol.get("sets") or {})
        said.append(sets.get(rest.partition("/")[0]))
    return said


def name_images(protocol: Mapping[str, Any]) -> str:
    """Says which images a result is of, such as "all 10,000 test images"."""
    words = str(protocol.get("images", "the test images")).partition(",")[0]
    first, number, rest = words.partition(" of ")[0], protocol.get("test_images"), words
    count = first.removeprefix("the first ")
    if not count.isdigit():
        return rest
    if int(count) == number:
        return f"all {number:,} test images"
    official = words.endswith(" of the test split") and isinstance(number, int)
    whole = f"{number:,} test images" if official else words.partition(" of ")[2]
    return f"the first {int(count):,} of {whole}"


def join(parts: list[str]) -> str:
    """Joins names as in "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _ends(cell: tables.Cell) -> tuple[float | None, float | None]:
    if cell.interval is not None:
        low, high = cell.interval
        return low, high
    return cell.value, cell.value
