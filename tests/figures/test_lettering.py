"""Names as figures show them: no mathematics, no boxes, none too long."""

import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from jem_tf import figures
from jem_tf.figures import captioned_grids, lettering, plots

RARE = "\U000f0123"  # for private use: no font that is installed has it
CACHED = (lettering._installed, lettering._choose_fonts, lettering._replace)


def build_font(path, letters, *, outlines=True):
    """A font whose every letter is a square, or nothing."""
    names = [".notdef", *(f"letter{i}" for i in range(len(letters)))]
    pen = TTGlyphPen(None)
    if outlines:
        pen.moveTo((100, 0))
        for corner in ((100, 700), (800, 700), (800, 0)):
            pen.lineTo(corner)
        pen.closePath()
    glyph = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap(dict(zip(map(ord, letters), names[1:], strict=True)))
    font.setupGlyf(dict.fromkeys(names, glyph))
    font.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": path.stem, "styleName": "Regular"})
    font.setupOS2(usWeightClass=400)
    font.setupPost()
    font.save(path)


@pytest.fixture
def fonts(tmp_path, monkeypatch):
    """A folder where a user installs fonts; as new as the session is."""
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [*manager.ttflist])
    monkeypatch.setattr(font_manager, "X11FontDirectories", [str(tmp_path)])
    for function in CACHED:
        function.cache_clear()
    yield tmp_path
    for function in CACHED:
        function.cache_clear()


def draw(path, names):
    rows = np.zeros([len(names), 1, 4, 4, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as "Glyph ... missing from font(s)"
        figures.save_plot(path, captioned_grids.labelled_rows(rows, names))
    return path.read_bytes()


def test_names_that_any_font_has_stay_and_are_drawn_as_ever(fonts, capsys):
    names = ["cat", "aquarium_fish", "étage", "0"]
    assert lettering.drawable(names) == names
    assert "fontfamily" not in lettering.style(names)
    assert capsys.readouterr().out == ""


def test_letters_that_no_font_has_become_the_number_of_the_class(fonts, capsys):
    names = ["cat", f"a{RARE}", "dog", RARE]
    shown = lettering.drawable(names)
    assert shown == ["cat", "class 1", "dog", "class 3"]
    assert lettering.drawable(names, width=9) == shown
    assert lettering.drawable([RARE], what="set") == ["set 0"]
    first, _ = capsys.readouterr().out.splitlines()  # once for each list of names
    assert f"in the place of a{RARE}, {RARE}: no installed font has" in first
    draw(fonts / "names.png", shown)
    with pytest.raises(UserWarning, match="missing from font"):
        draw(fonts / "boxes.png", names)


def test_a_font_that_is_installed_since_draws_them(fonts, capsys):
    build_font(fonts / "Squares.ttf", RARE)
    names = ["cat", f"a{RARE}"]
    assert lettering.drawable(names) == names
    assert lettering.style(names)["fontfamily"][-1] == "Squares"
    assert draw(fonts / "a.png", names) != draw(fonts / "b.png", ["cat", "a"])
    assert capsys.readouterr() == ("", "")


def test_letters_of_several_fonts_are_drawn_together(fonts):
    others = [chr(ord(RARE) + i) for i in (1, 2, 3)]
    build_font(fonts / "Squares.ttf", [RARE])
    build_font(fonts / "Others.ttf", others)
    name = RARE + "".join(others)
    assert lettering.style([name])["fontfamily"][1:] == ["Others", "Squares"]
    draw(fonts / "names.png", lettering.drawable([name]))


def test_a_font_of_bitmaps_or_without_outlines_is_passed_over(fonts):
    build_font(fonts / "Hollow.ttf", RARE, outlines=False)
    (fonts / "Broken.ttf").write_bytes(b"no font")
    assert lettering.drawable([RARE]) == ["class 0"]


def test_accents_are_put_on_their_letters_and_what_shows_nothing_is_left_out(fonts):
    names = ["e\u0301te\u0301", "a\u200db\u202e", "\u2764\ufe0f"]
    assert lettering.drawable(names) == ["été", "ab", "\u2764"]


@pytest.mark.parametrize("width", range(3, 14))
@pytest.mark.parametrize("name", ["abcdefghijklmn", "鳥猫犬馬鹿船車", "a鳥b猫c犬d馬"])
def test_a_long_name_keeps_both_its_ends(name, width):
    short = lettering.shorten(name, width)
    assert width - 2 <= lettering.measure(short) <= width or short == name
    head, _, tail = short.partition("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert lettering.shorten(name, 14) == name


NAMES = ["$x$", r"\$a", "a_b^c", "$", "鳥 $y$", "<b>"]


def texts(figure):
    return [text for text in figure.findobj(match=is_named) if text.get_text()]


def is_named(artist):
    return any(name in getattr(artist, "get_text", str)() for name in NAMES)


def all_figures():
    zeros, captions = np.zeros([6, 2, 4, 4, 3]), [[name] * 2 for name in NAMES]
    scores = np.arange(9.0)
    rows, beneath = {"$run$": zeros[:, 0]}, {"$run$": NAMES}
    return {
        "labelled": captioned_grids.labelled_rows(zeros, NAMES),
        "captioned": captioned_grids.captioned_rows(rows, beneath, NAMES),
        "neighbours": captioned_grids.neighbours(zeros[:, 0], zeros, captions),
        "histograms": plots.histograms(scores, dict.fromkeys(NAMES, scores), "E"),
    }


@pytest.mark.parametrize("kind", all_figures())
def test_no_figure_reads_a_name_as_mathematics(kind, tmp_path):
    figure: Figure = all_figures()[kind]
    found = texts(figure)
    assert {text.get_text() for text in found} >= {*NAMES} - {"鳥 $y$"}
    assert not any(text.get_parse_math() or text.get_usetex() for text in found)


def test_a_set_whose_name_begins_with_an_underscore_is_in_the_legend():
    scores = np.arange(9.0)
    figure = plots.histograms(scores, {"_hidden": scores}, "E")
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["test images", "the set above"]


def test_a_long_name_has_room_beside_its_row():
    rows = np.zeros([2, 5, 4, 4, 1])
    for names in (["cat", "dog"], lettering.drawable(["cat", "W" * 60])):
        figure = captioned_grids.labelled_rows(rows, names)
        figure.draw_without_rendering()
        for label in figure.axes[0].get_yticklabels():
            assert label.get_window_extent().x0 >= 0
