"""HTML of tables and pictures; all text that comes in is escaped here."""

import base64
import html
import pathlib
import re
import struct
from collections.abc import Iterable, Sequence

from jem_tf.evaluation import tables

WIDE = 2  # width over height of a picture that takes a row of its own
ARROWS = {
    "higher": " <span class='better' title='higher is better'>↑</span>",
    "lower": " <span class='better' title='lower is better'>↓</span>",
}


def anchor(*parts: str) -> str:
    """Makes an id of names: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-").lower()


def link(text: str, to: str) -> str:
    """A link to an id of the page."""
    return f"<a href='#{html.escape(to)}'>{html.escape(text)}</a>"


def cell(shown: tables.Cell | None) -> str:
    """What a cell of a table holds: a number, and its uncertainty beneath."""
    if shown is None:
        return ""
    return number(tables.format_number(shown.value), tables.format_uncertainty(shown))


def number(text: str, uncertainty: str) -> str:
    """A number as text, and its uncertainty beneath."""
    uncertainty = uncertainty.replace("+-", "±")  # a terminal may not have the sign
    small = f"<br><small>{html.escape(uncertainty)}</small>" if uncertainty else ""
    return html.escape(text) + small


def heading(text: str, unit: str = "", better: str = "", key: str = "") -> str:
    """What the heading of a row or column holds: a name, its unit and direction.

    `key` is what the results call it, shown when the mouse rests there.
    """
    said = html.escape(text) + (f", {html.escape(unit)}" if unit else "")
    title = f" title='{html.escape(key)}'" if key and key != text else ""
    return f"<span{title}>{said}</span>{ARROWS.get(better, '')}"


def row(tag: str, cells: Sequence[str]) -> str:
    """A row of a table, of cells that are HTML; its first is a heading."""
    first, *others = cells
    inner = f"<th scope='row'>{first}</th>" if tag == "td" else f"<th>{first}</th>"
    return f"<tr>{inner}{''.join(f'<{tag}>{text}</{tag}>' for text in others)}</tr>"


def table(head: Iterable[str], body: Iterable[str], identity: str = "") -> str:
    """A table in a box that scrolls where the page is narrower."""
    named = f" id='{html.escape(identity)}'" if identity else ""
    return (
        f"<div class='table'{named} tabindex='0'><table><thead>{''.join(head)}</thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def png_url(content: bytes) -> str:
    """A PNG file as a data URL, which a browser shows without another file."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def picture(caption: str, content: bytes | pathlib.Path, *, plot: bool) -> str:
    """A PNG in the page itself.

    Args:
      caption: beneath it, and for those who do not see it.
      content: of the file, or its path.
      plot: whether it may be inverted where the page is dark; images may not.
    """
    data = content.read_bytes() if isinstance(content, pathlib.Path) else content
    width, height = struct.unpack(">II", data[16:24])  # of PNG's header
    wide = " class='wide'" if width > WIDE * height else ""
    text, kind = html.escape(caption), "plot" if plot else "images"
    return (
        f"<figure{wide}><img class='{kind}' alt='{text}' src='{png_url(data)}'>"
        f"<figcaption>{text}</figcaption></figure>"
    )
