"""A page with what was read in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import BLUE, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AnnotatedPageDisplay"]

LONGEST_SIDE = 10.0  # inches of a new figure
MARGIN = 0.35  # inches above the picture, for the headline
SMALLEST_FONT = 4.0


class AnnotatedPageDisplay:
    """A picture of digits, a box around each that was found, and what it was read as.

    A digit that was read surely has a solid box and white on blue above it. An unsure one has a dashed box and
    a label with a question mark, dark on white.

    Parameters
    ----------
    picture : ndarray of shape (height, width) or (height, width, 3)
        The picture, upright: levels in 0 to 255 (uint8), or in 0 to 1 (float), 0 being black.
    boxes : ndarray of shape (n_digits, 4)
        Left, top, right and bottom of each digit, in pixels of the picture at its full size.
    labels : sequence of int or str
        What each was read as.
    sure : sequence of bool, default=None
        Whether each is read surely; None takes all for sure.
    n_lines : int, default=None
        How many lines they stand in; None leaves it unsaid.
    size : (width, height), default=None
        Full size of the picture, in pixels, if `picture` is a smaller copy of it; None takes `picture` for it.

    Attributes
    ----------
    boxes_ : list of matplotlib Rectangle
        One for each digit.
    texts_ : list of matplotlib Text
        One for each digit.
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure that holds it.

    Raises
    ------
    InputError
        If the picture is none, or there are not as many boxes as labels.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.plotting import AnnotatedPageDisplay
    >>> page = np.full((60, 90), 255, np.uint8)
    >>> display = AnnotatedPageDisplay(page, [[10, 10, 30, 50], [50, 10, 70, 50]], [4, 9], sure=[True, False])
    >>> [text.get_text() for text in display.plot().texts_]
    ['4', '9?']
    """

    def __init__(
        self,
        picture: ArrayLike,
        boxes: ArrayLike,
        labels: Sequence[Any],
        *,
        sure: Sequence[bool] | None = None,
        n_lines: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.picture: NDArray[Any] = np.asarray(picture)
        self.boxes: NDArray[np.float64] = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        self.labels = list(labels)
        self.sure = [True] * len(self.labels) if sure is None else [bool(each) for each in sure]
        self.n_lines = n_lines
        if self.picture.ndim not in (2, 3) or self.picture.size == 0:
            raise InputError(
                f"picture must have shape (height, width) or (height, width, 3), got {self.picture.shape}. "
                "Give one picture."
            )
        if not len(self.boxes) == len(self.labels) == len(self.sure):
            raise InputError(
                f"boxes, labels and sure must be of one length, got {len(self.boxes)}, {len(self.labels)} and "
                f"{len(self.sure)}. Give one of each for a digit."
            )
        self.size = (self.picture.shape[1], self.picture.shape[0]) if size is None else size

    @classmethod
    def from_reading(cls, picture: ArrayLike, reading: Any, *, ax: Axes | None = None) -> AnnotatedPageDisplay:
        """Draw what was read in a picture.

        Parameters
        ----------
        picture : array-like of shape (height, width) or (height, width, 3)
            The picture, upright; a smaller copy will do.
        reading : object
            Anything with `digits` (each with `box`, `label` and `sure`), `lines` and `size`, as
            `jaxdigits.recognize` returns it.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : AnnotatedPageDisplay

        Raises
        ------
        InputError
            If the picture is none.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> from jaxdigits.plotting import AnnotatedPageDisplay
        >>> seven = SimpleNamespace(box=(10, 10, 30, 50), label=7, sure=True)
        >>> reading = SimpleNamespace(digits=(seven,), lines=((seven,),), size=(90, 60))
        >>> AnnotatedPageDisplay.from_reading(np.ones((60, 90)), reading).ax_.get_title()
        '1 digit'
        """
        digits = reading.digits
        display = cls(
            picture,
            [digit.box for digit in digits],
            [digit.label for digit in digits],
            sure=[digit.sure for digit in digits],
            n_lines=len(reading.lines),
            size=reading.size,
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> AnnotatedPageDisplay:
        """Draw the picture, the boxes and the labels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure of the picture's aspect.

        Returns
        -------
        display : AnnotatedPageDisplay
            Itself, with `boxes_`, `texts_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import AnnotatedPageDisplay
        >>> AnnotatedPageDisplay(np.ones((60, 90)), [], []).plot().ax_.get_title()
        'No digits found'
        """
        import matplotlib.pyplot as plt

        width, height = self.size
        if ax is None:
            scale = LONGEST_SIDE / max(width, height)
            # A narrow strip keeps room for the headline.
            size = (max(scale * width, 3.0), max(scale * height, 1.0) + MARGIN)
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        white = 255 if self.picture.dtype == np.uint8 else 1
        ax.imshow(self.picture, cmap="gray", vmin=0, vmax=white, extent=(0, width, height, 0))
        ax.set_axis_off()
        ax.set_title(self._headline())
        points = self._points_per_pixel(ax)
        self.boxes_ = [self._draw_box(ax, index) for index in range(len(self.labels))]
        self.texts_ = [self._draw_label(ax, index, points) for index in range(len(self.labels))]
        return self

    def _headline(self) -> str:
        n_digits, n_unsure = len(self.labels), self.sure.count(False)
        if not n_digits:
            return "No digits found"
        within = f" in {self.n_lines} lines" if self.n_lines is not None and self.n_lines > 1 else ""
        unsure = f", {n_unsure} not sure (dashed)" if n_unsure else ""
        return f"{n_digits} digit{'' if n_digits == 1 else 's'}{within}{unsure}"

    def _points_per_pixel(self, ax: Axes) -> float:
        """Tell how large a pixel of the picture is drawn, in points."""
        place = ax.get_window_extent()
        scale = min(place.width / self.size[0], place.height / self.size[1])
        return float(72.0 * scale / ax.figure.dpi)

    def _draw_box(self, ax: Axes, index: int) -> Any:
        from matplotlib.patches import Rectangle

        left, top, right, bottom = self.boxes[index]
        sure = self.sure[index]
        box = Rectangle(
            (left, top),
            right - left,
            bottom - top,
            fill=False,
            linewidth=1.2 if sure else 1.6,
            linestyle="solid" if sure else "dashed",
            edgecolor=BLUE if sure else VERMILION,
        )
        return ax.add_patch(box)

    def _draw_label(self, ax: Axes, index: int, points: float) -> Any:
        left, top, _, bottom = self.boxes[index]
        sure = self.sure[index]
        fontsize = float(np.clip(0.35 * points * (bottom - top), SMALLEST_FONT, 14.0))
        # A label is about 1.5 of its font size high; where the page ends above a box it stands inside.
        inside = top * points < 1.5 * fontsize
        return ax.text(
            left,
            top,
            f"{self.labels[index]}{'' if sure else '?'}",
            fontsize=fontsize,
            ha="left",
            va="top" if inside else "bottom",
            color="white" if sure else "black",
            bbox={
                "boxstyle": "square,pad=0.12",
                "facecolor": BLUE if sure else "white",
                "edgecolor": BLUE if sure else VERMILION,
                "linewidth": 0.8,
            },
        )
