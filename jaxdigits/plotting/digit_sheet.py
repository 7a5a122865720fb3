"""Samples of a data set side by side, with their labels and what they were read as."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import VERMILION, text_color
from jaxdigits.plotting.tiles import draw_tile, paper_colors, shorten, take_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["DigitSheetDisplay"]

N_COLUMNS = 10


class DigitSheetDisplay:
    """A sheet of digits with their labels.

    Each tile shows a picture and its label. Where it was read as something else, both are told, in vermilion.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        Pictures, ink above paper.
    labels : ndarray of shape (n,), default=None
        Their true labels; None if there are none.
    predictions : ndarray of shape (n,), default=None
        What they were read as; None if nobody read them.
    n_samples : int, default=None
        How many samples these were taken from; None leaves it unsaid.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        One for each picture.
    ax_ : matplotlib Axes
        The axes that were divided.
    figure_ : matplotlib Figure
        The figure that holds them.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.plotting import DigitSheetDisplay
    >>> display = DigitSheetDisplay(np.zeros((2, 8, 8)), np.array([4, 9]), np.array([4, 4])).plot()
    >>> [tile.get_title() for tile in display.axes_]
    ['4', '9 read as 4']
    """

    def __init__(
        self,
        images: NDArray[Any],
        labels: NDArray[Any] | None = None,
        predictions: NDArray[Any] | None = None,
        *,
        n_samples: int | None = None,
    ) -> None:
        self.images = images
        self.labels = labels
        self.predictions = predictions
        self.n_samples = n_samples

    @classmethod
    def from_samples(
        cls,
        X: Any,
        y: ArrayLike | None = None,
        *,
        n_digits: int = 100,
        image_shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
    ) -> DigitSheetDisplay:
        """Draw some samples of a data set: as many of each class, spread evenly over all of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width) or (n_samples, height * width)
            Pictures, ink above paper, with or without a last axis of length 1.
        y : array-like of shape (n_samples,), default=None
            True labels; None spreads the choice over the samples alone.
        n_digits : int, default=100
            How many to show, about.
        image_shape : (height, width), default=None
            Shape of flat pictures; None takes them for square.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : DigitSheetDisplay

        Raises
        ------
        InputError
            If lengths do not match, or flat pictures are not square and `image_shape` is not given.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from jaxdigits.plotting import DigitSheetDisplay
        >>> DigitSheetDisplay.from_samples(*load_digits(return_X_y=True)).labels[:11].tolist()
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        """
        return cls._from(X, y, None, options=(n_digits, image_shape)).plot(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        n_digits: int = 100,
        image_shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
    ) -> DigitSheetDisplay:
        """Draw some samples with their labels and what a fitted classifier reads them as.

        Parameters
        ----------
        estimator : object
            Anything with a `predict` method.
        X : array-like of shape (n_samples, ...)
            Pictures, as `estimator.predict` takes them.
        y : array-like of shape (n_samples,)
            True labels.
        n_digits, image_shape, ax
            As in `from_samples`.

        Returns
        -------
        display : DigitSheetDisplay

        Raises
        ------
        InputError
            As `from_samples` does.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from jaxdigits.plotting import DigitSheetDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> display = DigitSheetDisplay.from_estimator(GaussianNB().fit(X, y), X, y, n_digits=20)
        >>> display.predictions.shape
        (20,)
        """
        return cls._from(X, y, estimator.predict(X), options=(n_digits, image_shape)).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        images: Any,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        n_digits: int = 100,
        image_shape: tuple[int, int] | None = None,
        ax: Axes | None = None,
    ) -> DigitSheetDisplay:
        """Draw some samples with their true and their predicted labels.

        Parameters
        ----------
        images : array-like of shape (n_samples, height, width) or (n_samples, height * width)
            Pictures, ink above paper.
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        n_digits, image_shape, ax
            As in `from_samples`.

        Returns
        -------
        display : DigitSheetDisplay

        Raises
        ------
        InputError
            As `from_samples` does.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import DigitSheetDisplay
        >>> DigitSheetDisplay.from_predictions(np.zeros((1, 64)), [4], [9]).axes_[0].get_title()
        '4 read as 9'
        """
        return cls._from(images, y_true, y_pred, options=(n_digits, image_shape)).plot(ax)

    @classmethod
    def _from(
        cls,
        images: Any,
        y_true: ArrayLike | None,
        y_pred: ArrayLike | None,
        *,
        options: tuple[int, tuple[int, int] | None],
    ) -> DigitSheetDisplay:
        n_digits, image_shape = options
        if n_digits < 1:
            raise InputError(f"n_digits must be an int >= 1, got {n_digits}. Use 100.")
        n_samples = images.shape[0] if hasattr(images, "shape") else len(images)
        labels, predictions = (None if each is None else np.asarray(each) for each in (y_true, y_pred))
        lengths = [len(each) for each in (labels, predictions) if each is not None]
        if any(length != n_samples for length in lengths) or not n_samples:
            raise InputError(
                f"images and labels must be of one length and not empty, got {n_samples} images and "
                f"{' and '.join(map(str, lengths)) or 'no'} labels. Give one label a picture."
            )
        rows = _spread(labels, n_samples, n_digits)
        return cls(
            take_pictures(images, rows, image_shape=image_shape),
            None if labels is None else labels[rows],
            None if predictions is None else predictions[rows],
            n_samples=n_samples,
        )

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> DigitSheetDisplay:
        """Draw the sheet, ten digits in a row.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; it is divided into tiles. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colors from paper to ink; None is dark ink on light paper, or the reverse on a dark background.

        Returns
        -------
        display : DigitSheetDisplay
            Itself, with `axes_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import DigitSheetDisplay
        >>> len(DigitSheetDisplay(np.zeros((12, 8, 8))).plot().axes_)
        12
        """
        import matplotlib.pyplot as plt

        n_columns = min(len(self.images), N_COLUMNS)
        n_rows = math.ceil(len(self.images) / n_columns)
        if ax is None:
            size = (max(0.85 * n_columns, 4.0), 1.05 * n_rows + 0.5)
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        ax.set_title(self._headline())
        colors = paper_colors(ax) if cmap is None else cmap
        self.axes_ = [self._draw_tile(ax, index, (n_rows, n_columns), cmap=colors) for index in range(len(self.images))]
        return self

    def _headline(self) -> str:
        within = "" if self.n_samples in (None, len(self.images)) else f" of {self.n_samples:,}"
        read = ""
        if self.labels is not None and self.predictions is not None:
            read = f", {int(np.sum(self.labels == self.predictions)):,} of these read right"
        return f"{len(self.images):,}{within} digits{read}"

    def _draw_tile(self, ax: Axes, index: int, grid: tuple[int, int], *, cmap: str | Colormap) -> Axes:
        limits = (self.images.min(), self.images.max() or None)
        tile = draw_tile(ax, self.images[index], index, grid=grid, cmap=cmap, limits=limits, height=0.76)
        known = [shorten(each[index]) for each in (self.labels, self.predictions) if each is not None]
        wrong = len(known) == 2 and self.labels is not None and self.labels[index] != self.predictions[index]  # type: ignore[index]
        points = 72.0 * ax.get_window_extent().width / ax.figure.dpi / grid[1]
        words = " read as ".join(known) if wrong else known[0] if known else ""
        # A character is about 0.55 of the font size wide.
        fitting = points / (0.55 * max(len(words), 1))
        tile.set_title(
            words, fontsize=min(10.0, max(3.0, fitting)), pad=3.0, color=VERMILION if wrong else text_color()
        )
        return tile


def _spread(labels: NDArray[Any] | None, n_samples: int, n_digits: int) -> NDArray[np.intp]:
    """Choose positions: the same number of each class, class by class, each spread over all its samples."""
    if labels is None:
        return _evenly(np.arange(n_samples), n_digits)
    classes = np.unique(labels)
    share = max(1, n_digits // len(classes))
    return np.concatenate([_evenly(np.flatnonzero(labels == each), share) for each in classes[:n_digits]])


def _evenly(positions: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    if len(positions) <= count:
        return positions
    return positions[np.linspace(0, len(positions) - 1, count).round().astype(np.intp)]
