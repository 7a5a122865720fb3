"""A picture, what a model saw of it, and what the model made of that."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import BLUE, FAINT, VERMILION, format_percent, text_color
from jaxdigits.plotting.tiles import paper_colors, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["WhatTheModelSawDisplay"]

# Left edge and width of the three columns, as shares of the axes.
COLUMNS = {"picture": (0.0, 0.27), "image": (0.30, 0.20), "bars": (0.56, 0.43)}
ROW_INCHES = 2.3
WIDTH_INCHES = 7.5
# In characters, at the font sizes below.
LONGEST_TEXT = 58
LONGEST_NAME = 26


class WhatTheModelSawDisplay:
    """Pictures beside the images that a model was given, its probabilities, and what was mended in words.

    Each row shows a picture with a box around the ink that was read, the canonical image, and a bar for each
    class. The bar of the class that was chosen is the darker one, and its number stands beside it.

    Parameters
    ----------
    pictures : sequence of ndarray of shape (height, width) or (height, width, 3)
        Pictures, upright: levels in 0 to 255 (uint8), or in 0 to 1 (float), 0 being black.
    images : sequence of ndarray of shape (h, w)
        What the model was given: ink 1.0, paper 0.0.
    probabilities : ndarray of shape (n_pictures, n_classes)
        Probability of each class. A row of NaN stands for a picture that was not read.
    classes : sequence, default=None
        Labels of the columns of `probabilities`; None counts them from 0.
    names : sequence of str, default=None
        What each picture is called; None leaves it unsaid.
    words : sequence of str, default=None
        What to say of each picture, such as what was mended; None says nothing.
    boxes : sequence of (left, top, right, bottom) or None, default=None
        Where the ink was read, in shares of the picture's width and height.

    Attributes
    ----------
    axes_ : list of tuple of matplotlib Axes
        Picture, image and bars of each row.
    ax_ : matplotlib Axes
        The axes that were divided.
    figure_ : matplotlib Figure
        The figure that holds them.

    Raises
    ------
    InputError
        If the lengths do not match, or there is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.plotting import WhatTheModelSawDisplay
    >>> picture, image, probabilities = np.ones((90, 60)), np.zeros((28, 28)), np.eye(10)[7]
    >>> display = WhatTheModelSawDisplay([picture], [image], [probabilities], names=["photo.jpg"]).plot()
    >>> [axes.get_title() for axes in display.axes_[0]]
    ['photo.jpg', 'what the model saw', '7, 100 % sure']
    """

    def __init__(
        self,
        pictures: Sequence[NDArray[Any]],
        images: Sequence[NDArray[Any]] | NDArray[Any],
        probabilities: ArrayLike,
        *,
        classes: Sequence[Any] | None = None,
        names: Sequence[str] | None = None,
        words: Sequence[str] | None = None,
        boxes: Sequence[tuple[float, float, float, float] | None] | None = None,
    ) -> None:
        n_pictures = len(pictures)
        self.pictures = [np.asarray(picture) for picture in pictures]
        self.images = [np.asarray(image) for image in images]
        self.probabilities: NDArray[np.float64] = np.asarray(probabilities, dtype=np.float64)
        lengths = {
            "pictures": n_pictures,
            "images": len(self.images),
            "probabilities": len(self.probabilities),
            **{
                name: len(each)
                for name, each in (("names", names), ("words", words), ("boxes", boxes))
                if each is not None
            },
        }
        if not n_pictures or set(lengths.values()) != {n_pictures} or self.probabilities.ndim != 2:
            listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
            raise InputError(f"pictures and what belongs to them must be of one length >= 1, got {listed}. Match them.")
        self.classes = list(range(self.probabilities.shape[1])) if classes is None else list(classes)
        if len(self.classes) != self.probabilities.shape[1]:
            raise InputError(
                f"classes must name the {self.probabilities.shape[1]} columns of probabilities, got "
                f"{len(self.classes)}. Give one label a column."
            )
        self.names = [""] * n_pictures if names is None else list(names)
        self.words = [""] * n_pictures if words is None else list(words)
        self.boxes = [None] * n_pictures if boxes is None else list(boxes)

    @classmethod
    def from_reading(
        cls, picture: NDArray[Any], reading: Any, *, name: str = "", ax: Axes | None = None
    ) -> WhatTheModelSawDisplay:
        """Draw one picture and the first digit that was read in it.

        Parameters
        ----------
        picture : ndarray of shape (height, width) or (height, width, 3)
            The picture, upright; a smaller copy will do.
        reading : object
            Anything with `digits` (the first with `image`, `probabilities`, `box` and `diagnosis`), `size` and
            `diagnosis`, as `jaxdigits.recognize` returns it. A diagnosis has `describe()`.
        name : str, default=""
            What the picture is called.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : WhatTheModelSawDisplay

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> from jaxdigits.plotting import WhatTheModelSawDisplay
        >>> mended = SimpleNamespace(describe=lambda: "light ink on dark, turned over")
        >>> seven = SimpleNamespace(
        ...     image=np.zeros((28, 28)), probabilities=np.eye(10)[7], box=(10, 10, 50, 50), diagnosis=mended
        ... )
        >>> reading = SimpleNamespace(digits=(seven,), size=(60, 60), diagnosis=mended)
        >>> display = WhatTheModelSawDisplay.from_reading(np.zeros((60, 60)), reading)
        >>> display.words
        ['light ink on dark, turned over']
        """
        if reading.digits:
            digit = reading.digits[0]
            box, words = _to_shares(digit.box, reading.size), digit.diagnosis.describe()
            image, probabilities = digit.image, digit.probabilities
        else:
            box, words = None, reading.diagnosis.describe()
            image, probabilities = np.zeros((28, 28)), np.full(10, np.nan)
        return cls([picture], [image], [probabilities], names=[name], words=[words], boxes=[box]).plot(ax)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> WhatTheModelSawDisplay:
        """Draw a row for each picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; it is divided. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colors of the images from paper to ink; None is dark ink on light paper, or the reverse on a dark
            background.

        Returns
        -------
        display : WhatTheModelSawDisplay
            Itself, with `axes_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import WhatTheModelSawDisplay
        >>> pictures, probabilities = np.ones((2, 90, 60)), np.full((2, 10), 0.1)
        >>> len(WhatTheModelSawDisplay(pictures, np.zeros((2, 28, 28)), probabilities).plot().axes_)
        2
        """
        import matplotlib.pyplot as plt

        n_rows = len(self.pictures)
        if ax is None:
            ax = plt.subplots(figsize=(WIDTH_INCHES, ROW_INCHES * n_rows + 0.1), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        colors = paper_colors(ax) if cmap is None else cmap
        self.axes_ = [
            (self._draw_picture(ax, index), self._draw_image(ax, index, colors), self._draw_bars(ax, index))
            for index in range(n_rows)
        ]
        for index in range(n_rows):
            self._write_words(ax, index)
        return self

    def _divide(self, ax: Axes, index: int, column: str) -> Axes:
        """Make the axes of one column of one row, below its title and above its words."""
        n_rows = len(self.pictures)
        left, width = COLUMNS[column]
        place = ax.inset_axes((left, 1.0 - (index + 0.80) / n_rows, width, 0.66 / n_rows))
        place.set_anchor("N")
        for spine in place.spines.values():
            spine.set(color=text_color(), alpha=FAINT, linewidth=0.8)
        return place

    def _draw_picture(self, ax: Axes, index: int) -> Axes:
        from matplotlib.patches import Rectangle

        place, picture = self._divide(ax, index, "picture"), self.pictures[index]
        white = 255 if picture.dtype == np.uint8 else 1
        place.imshow(picture, cmap="gray", vmin=0, vmax=white)
        place.set(xticks=[], yticks=[])
        name = self.names[index]
        shown = name if len(name) <= LONGEST_NAME else f"\N{HORIZONTAL ELLIPSIS}{name[1 - LONGEST_NAME :]}"
        place.set_title(shown, fontsize=9)
        box = self.boxes[index]
        if box is not None:
            height, width = picture.shape[:2]
            left, top = box[0] * width - 0.5, box[1] * height - 0.5
            place.add_patch(
                Rectangle(
                    (left, top),
                    (box[2] - box[0]) * width,
                    (box[3] - box[1]) * height,
                    fill=False,
                    edgecolor=VERMILION,
                    linewidth=1.2,
                )
            )
        return place

    def _draw_image(self, ax: Axes, index: int, cmap: str | Colormap) -> Axes:
        place = self._divide(ax, index, "image")
        place.imshow(self.images[index], cmap=cmap, vmin=0, vmax=max(1.0, float(self.images[index].max())))
        place.set(xticks=[], yticks=[])
        place.set_title("what the model saw", fontsize=9)
        return place

    def _write_words(self, ax: Axes, index: int) -> None:
        """Say what there is to say below the picture and the image."""
        words = textwrap.fill(self.words[index], LONGEST_TEXT, max_lines=2, placeholder=" \N{HORIZONTAL ELLIPSIS}")
        if words:
            ax.text(0.0, 1.0 - (index + 0.83) / len(self.pictures), words, fontsize=8, va="top")

    def _draw_bars(self, ax: Axes, index: int) -> Axes:
        place, shares = self._divide(ax, index, "bars"), self.probabilities[index]
        known = bool(np.isfinite(shares).all())
        heights = shares if known else np.zeros(len(shares))
        best = int(heights.argmax()) if known else -1
        bars = place.bar(range(len(heights)), heights, color=BLUE, width=0.8)
        for position, bar in enumerate(bars):
            if position != best:
                bar.set_alpha(0.45)
        place.set(ylim=(0, 1.0), xlim=(-0.6, len(heights) - 0.4), yticks=[])
        place.set_xticks(range(len(heights)), [shorten(label) for label in self.classes], fontsize=9)
        place.tick_params(axis="x", length=0)
        if known:
            place.get_xticklabels()[best].set_fontweight("bold")
            place.set_title(f"{shorten(self.classes[best])}, {format_percent(shares[best])} sure", fontsize=9)
            self._name_runner_up(place, shares, best)
        else:
            place.set_title("not read", fontsize=9)
        return place

    def _name_runner_up(self, place: Axes, shares: NDArray[np.float64], best: int) -> None:
        """Write the probabilities beside the bars that are worth a look."""
        for position in np.flatnonzero(shares >= 0.02):
            if position != best:
                place.annotate(
                    format_percent(shares[position]),
                    (position, shares[position]),
                    xytext=(0, 2),
                    textcoords="offset points",
                    ha="center",
                    fontsize=7,
                )


def _to_shares(
    box: tuple[int, int, int, int] | None, size: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    if box is None:
        return None
    return box[0] / size[0], box[1] / size[1], box[2] / size[0], box[3] / size[1]
