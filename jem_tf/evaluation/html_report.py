"""The results of one run or two as a web page.

The first screen says in sentences and pictures what the model can and cannot do; tables
with every number, figures and protocols follow. The page is one file: pictures and
style are in it, and it loads nothing. `report_page` has its parts.
"""

import html
from collections.abc import Mapping

from jem_tf.errors import InputError
from jem_tf.evaluation.report_page import (
    curves,
    first_screen,
    markup,
    published_section,
    run_results,
    sections,
    seeds_section,
)
from jem_tf.evaluation.report_page.run_results import EVALUATIONS, Results
from jem_tf.evaluation.report_page.style import STYLE
from jem_tf.runs.run_folder import RunFolder

CURVES = "curves"
VIEWPORT = "width=device-width, initial-scale=1"


def render_page(runs: Mapping[str, RunFolder]) -> str:
    """Renders the report as HTML.

    Args:
      runs: {label: folder of a run}; the first run is reported on, a second one is its
        baseline.

    Returns:
      A whole HTML document.

    Raises:
      InputError: if the first has no results yet, or a result is unreadable.
    """
    results = {label: run_results.read_results(run) for label, run in runs.items()}
    folder, *_ = runs.values()
    if not next(iter(results.values())):
        raise InputError(f"{folder} has no results yet; run `jem-tf evaluate` first.")
    title = html.escape(name_page(runs, results))
    description = folder.read_description()
    names = description.class_names if description else ()
    body = render_sections(runs, results)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='{VIEWPORT}'><title>{title}</title>"
        f"<style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        f"{first_screen.render_first_screen(folder, results, names)}\n"
        f"{render_contents(body)}\n" + "\n".join(body.values()) + "\n</body></html>\n"
    )


def name_page(runs: Mapping[str, RunFolder], results: Mapping[str, Results]) -> str:
    """The title: what the first run is, and the names of the runs' folders."""
    plain = run_results.is_plain(next(iter(results.values())))
    kind = "A plain classifier" if plain else "A joint energy-based model"
    names = [run.root.absolute().name for run in runs.values()]
    return f"{kind}: {' beside '.join(names)}"


def render_sections(
    runs: Mapping[str, RunFolder], results: Mapping[str, Results]
) -> dict[str, str]:
    """Renders what follows the first screen: {title: section}, those that are there."""
    body = {published_section.TITLE: published_section.render_published(results)}
    for name, (title, _) in EVALUATIONS.items():
        having = {label: own[name] for label, own in results.items() if name in own}
        body[title] = sections.render_section(name, title, having) if having else ""
    body[seeds_section.TITLE] = seeds_section.render_seeds(next(iter(runs.values())))
    body["Training"] = render_curves(runs)
    return {title: section for title, section in body.items() if section}


def render_curves(runs: Mapping[str, RunFolder]) -> str:
    """Renders the section with the curves of the runs' training; "" if none has any."""
    drawn = {
        label: curves.draw_curves(curves.read_scalars(run))
        for label, run in runs.items()
    }
    shown = [
        markup.picture(f"training: {label}", png, plot=True)
        for label, png in drawn.items()
        if png is not None
    ]
    if not shown:
        return ""
    return (
        f"<section id='{CURVES}'><h2>Training</h2><div class='pictures'>"
        f"{''.join(shown)}</div></section>"
    )


def render_contents(body: Mapping[str, str]) -> str:
    """Renders links to the sections; each begins with its id."""
    links = [
        markup.link(title.split(":")[0], section.split("'")[1])
        for title, section in body.items()
    ]
    return f"<nav>{''.join(links)}</nav>"
