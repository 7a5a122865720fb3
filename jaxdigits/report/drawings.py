"""Figures and pictures inside a page: drawings that follow its colors, and digits as data."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from jaxdigits.errors import InputError
from jaxdigits.plotting.tiles import take_pictures
from jaxdigits.report.markup import escape

__all__ = ["draw", "drawing_style", "encode_pictures", "make_axes"]

LONGEST_SIDE = 64  # pixels of a picture in the report
TEXT = "#010203"  # stands for the page's color of text


def encode_pictures(images: Any, rows: Sequence[int], *, image_shape: tuple[int, int] | None = None) -> dict[int, str]:
    """Turn some pictures into addresses that hold them: dark ink on white, 64 pixels wide at most.

    Parameters
    ----------
    images : array-like of shape (n, height, width) or (n, height * width)
        Pictures, ink above paper.
    rows : sequence of int
        Which ones.
    image_shape : (height, width), default=None
        Shape of flat pictures; None takes them for square.

    Returns
    -------
    addresses : dict of int to str
        By row; empty where the samples are no pictures.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.report.drawings import encode_pictures
    >>> encode_pictures(np.zeros((9, 8, 8)), [4])[4][:22]
    'data:image/png;base64,'
    >>> encode_pictures(np.zeros((9, 5)), [4])
    {}
    """
    from PIL import Image

    try:
        chosen = take_pictures(images, np.array(rows), image_shape=image_shape).astype(np.float64)
    except InputError:
        return {}
    low, high = float(chosen.min()), float(chosen.max())
    levels = np.rint(255.0 * (high - chosen) / ((high - low) or 1.0)).astype(np.uint8)
    found = {}
    for row, picture in zip(rows, levels, strict=True):
        content = io.BytesIO()
        small = Image.fromarray(picture)
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        small.save(content, format="png", optimize=True)
        found[row] = f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
    return found


def drawing_style() -> AbstractContextManager[Any]:
    """Return the style in which figures for a page are made and drawn.

    Returns
    -------
    context : context manager

    Examples
    --------
    >>> import matplotlib as mpl
    >>> from jaxdigits.report.drawings import drawing_style
    >>> with drawing_style():
    ...     mpl.rcParams["svg.fonttype"]
    'none'
    """
    import matplotlib as mpl

    colors = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    plain: dict[Any, Any] = {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "legend.frameon": False,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "jaxdigits",
        "font.family": "sans-serif",
        "font.size": 10.0,
    }
    return mpl.rc_context(plain | dict.fromkeys(colors, TEXT))


def make_axes(size: tuple[float, float], *, heights: Sequence[float] = (1.0,)) -> list[Any]:
    """Make a figure without a window, and axes in it one below the other.

    Parameters
    ----------
    size : (width, height)
        In inches.
    heights : sequence of float, default=(1.0,)
        How high each is beside the others.

    Returns
    -------
    axes : list of matplotlib Axes

    Examples
    --------
    >>> from jaxdigits.report.drawings import make_axes
    >>> len(make_axes((4, 3), heights=[2, 1]))
    2
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = FigureCanvasAgg(Figure(figsize=size, layout="constrained")).figure
    return list(figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0])


def draw(figure: Any, words: str, *, name: str) -> str:
    """Turn a figure into SVG that takes the page's color of text.

    Parameters
    ----------
    figure : matplotlib Figure
        Made in `drawing_style`, which must be in force.
    words : str
        What it shows, for those who can't see it.
    name : str
        Put before the names inside, which must not stand twice in a page.

    Returns
    -------
    markup : str
        The same for the same figure.

    Examples
    --------
    >>> from jaxdigits.report.drawings import draw, drawing_style, make_axes
    >>> with drawing_style():
    ...     (axes,) = make_axes((4, 3))
    ...     draw(axes.figure, "Nothing", name="empty")[:39]
    '<svg role="img" aria-label="Nothing" xm'
    """
    content = io.StringIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    text = content.getvalue()
    drawing = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    drawing = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)
    return drawing.replace(TEXT, "currentColor").replace("<svg", f'<svg role="img" aria-label="{escape(words)}"', 1)
