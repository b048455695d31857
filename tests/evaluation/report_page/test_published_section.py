import re

from jem_tf.evaluation.report_page import published_section
from jem_tf.evaluation.report_page.run_results import Result
from tests.evaluation.report_page.pages import CALIBRATION, Page
from tests.evaluation.report_page.test_comparison import results


def test_every_number_stands_under_its_own_protocol():
    made = published_section.render_published({"this run": results()})
    Page(made)
    for table in made.split("<table>")[1:]:
        head, body = table.split("</thead>")
        protocols = re.findall("<small><span>([^<]*)</span></small>", head)
        for line in body.split("<tr")[1:]:
            cells = re.findall("<td>(.*?)</td>", line)
            assert len(cells) == len(protocols)
        if "0.929" in table:
            (line,) = [x for x in body.split("<tr") if "<span>JEM</span>" in x]
            cells = re.findall("<td>(.*?)</td>", line)
            at = cells.index("0.929")
            assert protocols[at].endswith("noise N(0, 0.03²)")
            assert cells.count("") == len(cells) - 1
        assert len(protocols) <= published_section.MOST_COLUMNS


def test_sources_are_named():
    text = Page(published_section.render_published({"this run": results()})).text
    assert "Grathwohl et al., ICLR 2020, arXiv 1912.03263" in text


def test_there_is_no_such_section_for_other_data():
    runs = {
        "this run": {"calibration": Result(CALIBRATION, {"dataset": "digits"}, {}, [])}
    }
    assert published_section.render_published(runs) == ""
