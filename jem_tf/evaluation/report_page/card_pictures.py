"""The pictures of the cards, drawn from the numbers of the results, or made smaller."""

import io
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from jem_tf.evaluation.report_page.attack_sentences import (
    TITLE,
    UNBOUNDED,
    list_columns,
)
from jem_tf.evaluation.report_page.comparison import cell_of
from jem_tf.evaluation.report_page.metric_names import SCORES, name_column, name_row
from jem_tf.evaluation.report_page.outlier_sentences import (
    CHANCE,
    list_scores,
    list_sets,
)
from jem_tf.evaluation.report_page.run_results import Results
from jem_tf.evaluation.tables import Cell
from jem_tf.figures import card_plots, lettering
from jem_tf.figures.card_plots import Estimate

MOST_SETS = 9  # rows that a card has room for
SET_LETTERS = 20  # of a set's name beside a row
PIXELS = 520  # width of a picture: two for each of a card's
SEVERITIES = range(1, 6)
ATTACKS = {
    "autoattack": "AutoAttack",
    "small_radii": "AutoAttack, small radii",
    "small_radii_pgd": "PGD, small radii",
    "robustness": "PGD",
}


def draw_outliers(results: Results) -> bytes | None:
    """Draws AUROC against each set, by the scores that the sentences speak of."""
    if not (own := results.get("ood")):
        return None
    scores = list_scores(own)
    cells = {score: list_sets(own, score) for score in scores}
    keys = list(dict.fromkeys(key for sets in cells.values() for key in sets))
    if not keys:
        return None
    keys = keys[:MOST_SETS]
    names = lettering.drawable([name_row("auroc", k) for k in keys], width=SET_LETTERS)
    series = {
        SCORES.get(score, score): [
            _estimate(sets[key]) if key in sets else None for key in keys
        ]
        for score, sets in cells.items()
    }
    return _png(card_plots.rows(names, series, "AUROC", CHANCE))


def draw_attacks(results: Results, chance: float) -> bytes | None:
    """Draws accuracy over the L-inf radius, of the least and the most refinement."""
    lines = {}
    for name, attack in ATTACKS.items():
        if own := results.get(name):
            columns = list_columns(own)
            for column in dict.fromkeys((*columns[:1], *columns[-1:])):
                points = _radii(own.metrics, column)
                if len(points) > 1:
                    lines[f"{name_column(TITLE, column)}, {attack}"] = points
    plot = card_plots.curves
    return _png(plot(lines, "L∞ radius, 1/255: accuracy", chance)) if lines else None


def _radii(metrics: Mapping[str, Any], column: str) -> list[tuple[float, Estimate]]:
    start, end = f"{TITLE}/linf/", f"/{column}"
    radii = {
        key.removeprefix(start).removesuffix(end): key
        for key in metrics
        if key.startswith(start) and key.endswith(end)
    }
    cells = {r: cell_of(metrics, key) for r, key in radii.items() if r != UNBOUNDED}
    return sorted((float(r), _estimate(cell)) for r, cell in _finite(cells.items()))


def draw_shift(results: Results, chance: float) -> bytes | None:
    """Draws accuracy and ECE over the severity, the mean over corruptions."""
    if not (own := results.get("calibration")):
        return None
    lines = {}
    for key, name in (("accuracy", "accuracy"), ("ece", "ECE")):
        cells = [(0, cell_of(own.metrics, key))]
        cells += [
            (s, cell_of(own.metrics, f"corrupted_{key}/mean/severity_{s}"))
            for s in SEVERITIES
        ]
        points = [(float(s), _estimate(cell)) for s, cell in _finite(cells)]
        if len(points) > 1:
            lines[name] = points
    plot = card_plots.curves
    return _png(plot(lines, "severity", chance)) if lines else None


def shrink(path: pathlib.Path) -> bytes:
    """Makes a PNG narrower, if it is wider than a card has use for."""
    from PIL import Image

    with Image.open(path) as image:
        if image.width <= PIXELS:
            return path.read_bytes()
        size = (PIXELS, round(image.height * PIXELS / image.width))
        smaller = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    png = io.BytesIO()
    smaller.save(png, "PNG", optimize=True)
    return png.getvalue()


def _finite(cells: Iterable[tuple[Any, Cell | None]]) -> list[tuple[Any, Cell]]:
    return [(x, cell) for x, cell in cells if cell and cell.value is not None]


def _estimate(cell: Cell) -> Estimate:
    """A cell whose number is finite, as an estimate."""
    value = float("nan") if cell.value is None else cell.value
    low, high = cell.interval or (value, value)
    return Estimate(value, *(value if end is None else end for end in (low, high)))


def _png(figure: Any) -> bytes:
    png = io.BytesIO()
    with lettering.quiet_fonts():
        figure.savefig(png, format="png", dpi=PIXELS / card_plots.WIDTH)
    return png.getvalue()
