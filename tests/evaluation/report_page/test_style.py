from jem_tf.evaluation.report_page.style import STYLE


def test_the_style_sheet_is_balanced_and_loads_nothing():
    assert STYLE.count("{") == STYLE.count("}")
    for word in ("@import", "url(", "http", "<"):
        assert word not in STYLE


def test_it_knows_dark_screens_phones_and_paper():
    for query in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print"):
        assert query in STYLE


def test_every_colour_is_defined_on_every_kind_of_page():
    names = (
        "text",
        "page",
        "quiet",
        "line",
        "shade",
        "link",
        "can",
        "cannot",
        "unproven",
    )
    for name in names:
        assert STYLE.count(f"--{name}:") == 3  # light, dark, paper
        assert f"var(--{name})" in STYLE
