"""What a network looks at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import BLUE, FAINT, VERMILION, background_color, text_color
from jaxdigits.plotting.tiles import paper_colors, shorten, take_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["SaliencyDisplay"]

N_COLUMNS = 5
STRONGEST = 0.99  # of the pixels are within the color scale: a single one would pale all others

MEANINGS = {
    "gradient": "blue: more ink there speaks for the class, vermilion: against it",
    "occlusion": "blue: what stands there speaks for the class, vermilion: against it",
}
"""What the colors say, by the method that the maps were made with."""


class SaliencyDisplay:
    """Digits, and below each what in it speaks for a class, in blue, or against it, in vermilion.

    The outline of the digit is drawn over the map. Each map has a color scale of its own, even on both sides of 0;
    the strongest hundredth of its pixels is beyond its ends.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        Pictures, ink above paper.
    maps : ndarray of shape (n, height, width)
        Above 0 where something speaks for the class, below 0 where against it.
    labels : sequence, default=None
        The class that each map is about; None leaves it unsaid.
    method : {"gradient", "occlusion"} or None, default=None
        How the maps were made, which the headline explains.

    Attributes
    ----------
    axes_ : list of (matplotlib Axes, matplotlib Axes)
        Picture and map of each digit.
    ax_ : matplotlib Axes
        The axes that were divided.
    figure_ : matplotlib Figure
        The figure that holds them.

    Raises
    ------
    InputError
        If the lengths or shapes do not match, or there is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.plotting import SaliencyDisplay
    >>> images, maps = np.zeros((2, 8, 8)), np.ones((2, 8, 8))
    >>> display = SaliencyDisplay(images, maps, labels=[4, 9], method="gradient").plot()
    >>> [picture.get_title() for picture, _ in display.axes_]
    ['4', '9']
    """

    def __init__(
        self,
        images: NDArray[Any],
        maps: NDArray[np.floating[Any]],
        *,
        labels: ArrayLike | None = None,
        method: str | None = None,
    ) -> None:
        self.images = np.asarray(images)
        self.maps = np.asarray(maps, dtype=np.float64)
        self.labels = None if labels is None else np.asarray(labels)
        self.method = method
        n_labels = len(self.images) if self.labels is None else len(self.labels)
        if (
            self.images.ndim != 3
            or self.maps.shape != self.images.shape
            or n_labels != len(self.images)
            or not n_labels
        ):
            raise InputError(
                f"images and maps must have one shape (n, height, width), with n >= 1 labels, got {self.images.shape}, "
                f"{self.maps.shape} and {n_labels}. Give one map and one label a picture."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        method: str = "gradient",
        n_digits: int = 5,
        image_shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
    ) -> SaliencyDisplay:
        """Draw what a fitted classifier looks at in some pictures.

        Parameters
        ----------
        estimator : object
            Anything with `predict` and `saliency`, such as a `DigitClassifier`.
        X : array-like of shape (n_samples, ...)
            Pictures, as `estimator.predict` takes them. The first ones are shown.
        y : array-like of shape (n_samples,), default=None
            The class to ask about for each picture; None asks about the one that is predicted. Asking about another
            one than that shows what a digit has of it.
        method : {"gradient", "occlusion"}, default="gradient"
            By the gradient of the log probability, or by what is lost when patches are hidden.
        n_digits : int, default=5
            How many to show at most.
        image_shape : (height, width), default=None
            Shape of flat pictures; None takes them for square.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        InputError
            If the estimator cannot tell, or the pictures are none.

        Examples
        --------
        >>> from jaxdigits import DigitClassifier, load_digits
        >>> from jaxdigits.plotting import SaliencyDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> clf = DigitClassifier(model="linear", random_state=0).fit(X, y)
        >>> SaliencyDisplay.from_estimator(clf, X, method="occlusion").maps.shape
        (5, 8, 8)
        """
        if not callable(getattr(estimator, "saliency", None)):
            raise InputError(
                f"saliency needs an estimator with a method saliency, got {type(estimator).__name__}. "
                "Give a DigitClassifier; for a pipeline its last step, and X as that sees it."
            )
        if n_digits < 1:
            raise InputError(f"n_digits must be an int >= 1, got {n_digits}. Use 5.")
        n_shown = min(n_digits, X.shape[0] if hasattr(X, "shape") else len(X))
        if not n_shown:
            raise InputError("X must hold one picture or more, got none. Give some.")
        images = take_pictures(X, np.arange(n_shown), image_shape=image_shape)
        rows = images.reshape(n_shown, -1)
        labels = np.asarray(estimator.predict(rows) if y is None else y)[:n_shown]
        maps = estimator.saliency(rows, labels, method=method).reshape(images.shape)
        return cls(images, maps, labels=labels, method=method).plot(ax)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> SaliencyDisplay:
        """Draw the pictures and their maps, five in a row.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; it is divided into tiles. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colors of the maps; None goes from vermilion over the background to blue.

        Returns
        -------
        display : SaliencyDisplay
            Itself, with `axes_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import SaliencyDisplay
        >>> len(SaliencyDisplay(np.zeros((7, 8, 8)), np.zeros((7, 8, 8))).plot().axes_)
        7
        """
        import matplotlib.pyplot as plt

        n_columns = min(len(self.images), N_COLUMNS)
        n_rows = math.ceil(len(self.images) / n_columns)
        if ax is None:
            ax = plt.subplots(figsize=(max(1.35 * n_columns, 4.5), 2.85 * n_rows + 0.3), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        colors = _balance_colors(ax) if cmap is None else cmap
        if self.method in MEANINGS:
            width = 72.0 * ax.get_window_extent().width / ax.figure.dpi
            words = MEANINGS[self.method]
            # A character is about 0.5 of the font size wide.
            in_one_line = width / (0.5 * len(words)) >= 8.0
            lines = words if in_one_line else words.replace(", ", ",\n")
            longest = max(map(len, lines.splitlines()))
            ax.set_title(lines, fontsize=min(10.0, max(4.0, width / (0.5 * longest))))
        self.axes_ = [
            self._draw_digit(ax, index, (n_rows, n_columns), cmap=colors) for index in range(len(self.images))
        ]
        return self

    def _draw_digit(self, ax: Axes, index: int, grid: tuple[int, int], *, cmap: str | Colormap) -> tuple[Axes, Axes]:
        """Draw a picture and, below it, its map."""
        n_rows, n_columns = grid
        row, column = divmod(index, n_columns)
        bottom = 1.0 - (row + 1) / n_rows
        places = [
            ax.inset_axes((column / n_columns, bottom + foot / n_rows, 0.94 / n_columns, 0.43 / n_rows))
            for foot in (0.46, 0.0)
        ]
        image, values = self.images[index], self.maps[index]
        low, high = float(self.images.min()), float(self.images.max()) or 1.0
        places[0].imshow(image, cmap=paper_colors(ax), vmin=low, vmax=high)
        largest = float(np.quantile(np.abs(values), STRONGEST)) or float(np.abs(values).max()) or 1.0
        places[1].imshow(values, cmap=cmap, vmin=-largest, vmax=largest)
        if image.min() < (low + high) / 2 < image.max() and min(image.shape) > 1:
            places[1].contour(image, levels=[(low + high) / 2], colors=text_color(), linewidths=0.9, alpha=0.75)
        for place, anchor in zip(places, "SN", strict=True):
            place.set(xticks=[], yticks=[], anchor=anchor)
            for spine in place.spines.values():
                spine.set(color=text_color(), alpha=FAINT, linewidth=0.8)
        if self.labels is not None:
            places[0].set_title(shorten(self.labels[index]), fontsize=10, pad=3.0)
        return places[0], places[1]


def _balance_colors(ax: Axes) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    stops: list[Any] = [VERMILION, background_color(ax), BLUE]
    return LinearSegmentedColormap.from_list("saliency", stops)
