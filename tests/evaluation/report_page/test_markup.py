import numpy as np
import pytest

from jem_tf import figures
from jem_tf.evaluation.report_page import markup
from jem_tf.evaluation.tables import Cell
from tests.evaluation.report_page.pages import Page

NASTY = "<b>'\"&amp;</b>"


@pytest.mark.parametrize(
    "made",
    [
        markup.heading(NASTY, NASTY, "lower", NASTY + "x"),
        markup.number(NASTY, NASTY),
        markup.link(NASTY, "a"),
        markup.table([], [markup.row("td", [markup.heading(NASTY)])], "it"),
    ],
)
def test_all_text_is_escaped(made):
    page = Page(made)
    assert NASTY in page.text
    assert "<b>" not in made


def test_an_id_is_made_of_letters_digits_and_hyphens():
    assert markup.anchor("ood", "auroc") == "ood-auroc"
    assert markup.anchor("a b/c", "<d>") == "a-b-c-d"


def test_a_number_has_its_uncertainty_beneath():
    assert (
        markup.cell(Cell(0.5, [0.4, 0.6], None)) == "0.5<br><small>[0.4, 0.6]</small>"
    )
    assert markup.cell(Cell(0.5, None, 0.1)) == "0.5<br><small>± 0.1</small>"
    assert markup.cell(Cell(None, None, None)) == "n/a"
    assert markup.cell(None) == ""


def test_a_picture_is_in_the_page_and_a_wide_one_has_a_row(tmp_path):
    path = tmp_path / "x.png"
    for count, columns, wide in ((4, 2, False), (4, 4, True)):
        images = np.zeros([count, 8, 8, 3], "float32")
        figures.save(path, images, columns=columns)
        made = markup.picture("a <caption>", path, plot=True)
        assert made == markup.picture("a <caption>", path.read_bytes(), plot=True)
        (source,) = Page(made).sources
        assert source == markup.png_url(path.read_bytes())
        assert ("class='wide'" in made) == wide


def test_a_data_url_has_the_content_of_the_file():
    assert markup.png_url(b"any") == "data:image/png;base64,YW55"
