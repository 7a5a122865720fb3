"""The few pieces of HTML that the report is made of, with everything escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["escape", "percent", "section", "table"]


def escape(value: Any) -> str:
    """Write a value as text of a page.

    Parameters
    ----------
    value : Any
        A label, for example.

    Returns
    -------
    text : str
        Its text, in which nothing is markup, neither between tags nor in an attribute.

    Examples
    --------
    >>> from jaxdigits.report.markup import escape
    >>> escape("<b>")
    '&lt;b&gt;'
    """
    return html.escape(str(value), quote=True)


def percent(share: float | None) -> str:
    """Write a share with two digits behind the point, and 100 % only for all.

    Parameters
    ----------
    share : float or None
        Within [0, 1]; None where there is none.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from jaxdigits.report.markup import percent
    >>> percent(0.98765), percent(0.999999), percent(1.0), percent(None)
    ('98.77 %', '99.99 %', '100 %', '-')
    """
    if share is None:
        return "-"
    return "100 %" if share == 1.0 else f"{min(100.0 * share, 99.99):.2f} %"


def section(heading: str, body: str, *, name: str | None = None) -> str:
    """Put a heading over a part of the page.

    Parameters
    ----------
    heading, body : str
        Markup.
    name : str, default=None
        Name to link to; None gives none.

    Returns
    -------
    markup : str

    Examples
    --------
    >>> from jaxdigits.report.markup import section
    >>> section("Time", "<p>Short.</p>", name="time")
    '<section id="time"><h2>Time</h2><p>Short.</p></section>'
    """
    named = "" if name is None else f' id="{name}"'
    return f"<section{named}><h2>{heading}</h2>{body}</section>"


def table(rows: Iterable[Sequence[Any]], *, header: Sequence[str] = (), markup: bool = False) -> str:
    """Lay out a table; the first cell of a row names it.

    Parameters
    ----------
    rows : iterable of sequences
        Cells.
    header : sequence of str, default=()
        Names of the columns; without them cells are texts, set to the left.
    markup : bool, default=False
        Whether all cells but the first are markup already; else they are escaped.

    Returns
    -------
    markup : str

    Examples
    --------
    >>> from jaxdigits.report.markup import table
    >>> "<td>&lt;7&gt;</td>" in table([["label", "<7>"]])
    True
    """
    write = str if markup else escape
    names = "".join(f'<th scope="col">{name}</th>' for name in header)
    head = f"<thead><tr>{names}</tr></thead>" if header else ""
    lines = (
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{write(cell)}</td>" for cell in cells) + "</tr>"
        for first, *cells in rows
    )
    style = "" if header else ' class="plain"'
    return f'<div class="wide" tabindex="0"><table{style}>{head}<tbody>{"".join(lines)}</tbody></table></div>'
