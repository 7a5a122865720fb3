"""Colors and words that the figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLUE",
    "FAINT",
    "VERMILION",
    "background_color",
    "blend",
    "format_percent",
    "ink_on",
    "text_color",
]

# Blue and vermilion of M. Okabe and K. Ito, "Color universal design" (2008): contrast with white and with
# black is at least 3.8 to 1 for both.
BLUE = "#0072B2"
VERMILION = "#D55E00"
FAINT = 0.35  # opacity of what is there to be found, not to be noticed


def format_percent(share: float) -> str:
    """Write a share as a percentage; only what is wholly right says 100 %, only what is wholly wrong 0 %.

    Parameters
    ----------
    share : float
        A number within [0, 1].

    Returns
    -------
    text : str

    Examples
    --------
    >>> from jaxdigits.plotting.style import format_percent
    >>> format_percent(0.9789), format_percent(0.99999), format_percent(1.0)
    ('97.9 %', '>99.9 %', '100 %')
    """
    if share in (0.0, 1.0):
        return f"{100.0 * share:.0f} %"
    text = f"{100.0 * share:.1f}"
    return {"100.0": ">99.9 %", "0.0": "<0.1 %"}.get(text, f"{text} %")


def background_color(ax: Axes) -> tuple[float, float, float]:
    """Find the color behind what axes show, looking through transparent axes and figures.

    Parameters
    ----------
    ax : matplotlib Axes

    Returns
    -------
    red, green, blue : tuple of float
        Within [0, 1]. Behind a transparent figure it is guessed from the color of the text.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from jaxdigits.plotting.style import background_color
    >>> background_color(plt.figure(facecolor="black").add_subplot(facecolor="none"))
    (0.0, 0.0, 0.0)
    """
    from matplotlib.colors import to_rgb, to_rgba

    for face in (ax.get_facecolor(), ax.figure.get_facecolor()):
        red, green, blue, opacity = to_rgba(face)
        if opacity > 0.5:
            return red, green, blue
    return (0.0, 0.0, 0.0) if ink_on(to_rgb(text_color())) == "black" else (1.0, 1.0, 1.0)


def ink_on(rgb: Sequence[float]) -> str:
    """Choose black or white, whichever reads better on a color.

    Parameters
    ----------
    rgb : sequence of float
        Red, green and blue within [0, 1]; more channels are ignored.

    Returns
    -------
    color : {'black', 'white'}

    References
    ----------
    Web Content Accessibility Guidelines 2, relative luminance (gamma rounded to 2.2); black and white have
    the same contrast at luminance 0.18.

    Examples
    --------
    >>> from jaxdigits.plotting.style import ink_on
    >>> ink_on((1.0, 1.0, 0.0)), ink_on((0.0, 0.0, 0.6))
    ('black', 'white')
    """
    red, green, blue = (channel**2.2 for channel in rgb[:3])
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "white"


def blend(color: str, background: Sequence[float], share: float) -> tuple[float, float, float]:
    """Mix the color seen when one is laid over an opaque background.

    Parameters
    ----------
    color : str
        A color as Matplotlib writes it.
    background : sequence of float
        Red, green and blue within [0, 1].
    share : float
        Opacity of `color`, within [0, 1].

    Returns
    -------
    red, green, blue : tuple of float

    Examples
    --------
    >>> from jaxdigits.plotting.style import blend
    >>> blend("white", (0.0, 0.0, 0.0), 0.25)
    (0.25, 0.25, 0.25)
    """
    from matplotlib.colors import to_rgb

    red, green, blue = (
        share * top + (1.0 - share) * bottom for top, bottom in zip(to_rgb(color), background, strict=True)
    )
    return red, green, blue


def text_color() -> str:
    """Tell the color of text in the style in force.

    Returns
    -------
    color : str

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from jaxdigits.plotting.style import text_color
    >>> with plt.style.context("dark_background"):
    ...     text_color()
    'white'
    """
    import matplotlib as mpl

    color: str = mpl.rcParams["text.color"]
    return color
