"""Digits with what they were read as, beside what they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import VERMILION, format_percent, text_color
from jaxdigits.plotting.tiles import draw_tile, paper_colors, shorten, take_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["PredictionsDisplay"]

N_COLUMNS = 5


class PredictionsDisplay:
    """Digits, each with the label it was read as and its true one: a look at what a classifier does.

    Unlike `MistakesDisplay` it chooses nothing: the first pictures are shown in the order in which they come. One that
    was read wrongly has a heavy frame and vermilion words.

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        Pictures, ink above paper.
    y_true : ndarray of shape (n,)
        Their true labels.
    y_pred : ndarray of shape (n,)
        The labels they were read as.
    probabilities : ndarray of shape (n,), default=None
        How sure the classifier was of `y_pred`, within [0, 1]; None leaves it unsaid.
    n_right : int, default=None
        How many of all samples were read right; None leaves it unsaid.
    n_samples : int, default=None
        How many samples were read in all; None leaves it unsaid.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        One for each picture.
    ax_ : matplotlib Axes
        The axes that were divided.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    MistakesDisplay : The mistakes that the classifier was surest of.
    DigitSheetDisplay : Many digits of each class.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.plotting import PredictionsDisplay
    >>> display = PredictionsDisplay(np.zeros((2, 8, 8)), np.array([4, 9]), np.array([4, 4])).plot()
    >>> [tile.get_title().splitlines() for tile in display.axes_]
    [['read as 4', 'right'], ['read as 4', 'is a 9']]
    """

    def __init__(
        self,
        images: NDArray[Any],
        y_true: NDArray[Any],
        y_pred: NDArray[Any],
        probabilities: NDArray[np.floating[Any]] | None = None,
        *,
        n_right: int | None = None,
        n_samples: int | None = None,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.probabilities = probabilities
        self.n_right = n_right
        self.n_samples = n_samples

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        images: ArrayLike | None = None,
        image_shape: tuple[int, int] | None = None,
        n_digits: int = 15,
        ax: Axes | None = None,
    ) -> PredictionsDisplay:
        """Draw what a fitted classifier reads.

        Parameters
        ----------
        estimator : object
            Anything with `predict_proba` and `classes_`.
        X : array-like of shape (n_samples, ...)
            Samples, as `estimator.predict_proba` takes them.
        y : array-like of shape (n_samples,)
            True labels.
        images : array-like of shape (n_samples, height, width), default=None
            Pictures to show; None shows X itself. Give them where X holds features made from pictures.
        image_shape : (height, width), default=None
            Shape of flat pictures; None takes them for square.
        n_digits : int, default=15
            How many to show at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : PredictionsDisplay

        Raises
        ------
        InputError
            As `from_predictions` does.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from jaxdigits.plotting import PredictionsDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> PredictionsDisplay.from_estimator(GaussianNB().fit(X, y), X, y).ax_.get_title()
        'The first 15 of 1,797 digits; of all 85.8 % read right'
        """
        shares = np.asarray(estimator.predict_proba(X))
        return cls.from_predictions(
            X if images is None else images,
            y,
            np.asarray(estimator.classes_)[shares.argmax(axis=1)],
            probabilities=shares,
            image_shape=image_shape,
            n_digits=n_digits,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        images: Any,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        probabilities: ArrayLike | None = None,
        image_shape: tuple[int, int] | None = None,
        n_digits: int = 15,
        ax: Axes | None = None,
    ) -> PredictionsDisplay:
        """Draw predictions that were made already.

        Parameters
        ----------
        images : array-like of shape (n_samples, height, width) or (n_samples, height * width)
            Pictures, ink above paper, with or without a last axis of length 1; flat ones may be a sparse
            matrix or a DataFrame.
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        probabilities : array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            How sure each prediction is, or the probability of each class; None leaves it unsaid.
        image_shape : (height, width), default=None
            Shape of flat pictures; None takes them for square.
        n_digits : int, default=15
            How many to show at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : PredictionsDisplay

        Raises
        ------
        InputError
            If lengths do not match, or flat pictures are not square and `image_shape` is not given.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import PredictionsDisplay
        >>> display = PredictionsDisplay.from_predictions(np.zeros((1, 64)), ["a"], ["b"], probabilities=[0.7])
        >>> display.axes_[0].get_title().splitlines()
        ['read as b, 70.0 %', 'is a a']
        """
        if n_digits < 1:
            raise InputError(f"n_digits must be an int >= 1, got {n_digits}. Use 15.")
        labels, predictions = np.asarray(y_true), np.asarray(y_pred)
        n_samples = images.shape[0] if hasattr(images, "shape") else len(images)
        surest = None if probabilities is None else np.asarray(probabilities, dtype=np.float64)
        if surest is not None and surest.ndim == 2:
            surest = surest.max(axis=1)
        lengths = {n_samples, len(labels), len(predictions), n_samples if surest is None else len(surest)}
        if len(lengths) > 1 or not n_samples:
            raise InputError(
                f"images, y_true, y_pred and probabilities must be of one length >= 1, got {n_samples} images, "
                f"{len(labels)} labels, {len(predictions)} predictions and "
                f"{'no' if surest is None else len(surest)} probabilities. Give one of each a picture."
            )
        rows = np.arange(min(n_digits, n_samples))
        display = cls(
            take_pictures(images, rows, image_shape=image_shape),
            labels[rows],
            predictions[rows],
            None if surest is None else surest[rows],
            n_right=int(np.sum(labels == predictions)),
            n_samples=n_samples,
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> PredictionsDisplay:
        """Draw the pictures, five in a row.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; it is divided into tiles. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colors from paper to ink; None is dark ink on light paper, or the reverse on a dark background.

        Returns
        -------
        display : PredictionsDisplay
            Itself, with `axes_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import PredictionsDisplay
        >>> len(PredictionsDisplay(np.zeros((7, 8, 8)), np.zeros(7), np.zeros(7)).plot().axes_)
        7
        """
        import matplotlib.pyplot as plt

        n_columns = min(len(self.images), N_COLUMNS)
        n_rows = math.ceil(len(self.images) / n_columns)
        if ax is None:
            size = (max(1.4 * n_columns, 4.0), 1.85 * n_rows + 0.4)
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        ax.set_title(self._headline())
        colors = paper_colors(ax) if cmap is None else cmap
        words = [self._words(index) for index in range(len(self.images))]
        longest = max(len(line) for each in words for line in each.splitlines())
        points = 72.0 * ax.get_window_extent().width / ax.figure.dpi / n_columns
        font_size = min(10.0, max(4.0, points / (0.55 * longest)))  # a character is about 0.55 of the font size wide
        self.axes_ = [
            self._draw_tile(ax, index, (n_rows, n_columns), words=each, font_size=font_size, cmap=colors)
            for index, each in enumerate(words)
        ]
        return self

    def _headline(self) -> str:
        n_shown = len(self.images)
        if self.n_samples is None or self.n_right is None:
            return f"{n_shown} digits"
        share = format_percent(self.n_right / self.n_samples)
        if n_shown == self.n_samples:
            return f"{n_shown} digits, {share} read right"
        return f"The first {n_shown} of {self.n_samples:,} digits; of all {share} read right"

    def _words(self, index: int) -> str:
        sureness = "" if self.probabilities is None else f", {format_percent(self.probabilities[index])}"
        wrong = self.y_true[index] != self.y_pred[index]
        truth = f"is a {shorten(self.y_true[index])}" if wrong else "right"
        return f"read as {shorten(self.y_pred[index])}{sureness}\n{truth}"

    def _draw_tile(
        self, ax: Axes, index: int, grid: tuple[int, int], *, words: str, font_size: float, cmap: str | Colormap
    ) -> Axes:
        limits = (self.images.min(), self.images.max() or None)
        # The upper quarter of a tile is left to its two lines of text.
        tile = draw_tile(ax, self.images[index], index, grid=grid, cmap=cmap, limits=limits, height=0.72)
        wrong = self.y_true[index] != self.y_pred[index]
        color = VERMILION if wrong else text_color()
        tile.set_title(words, fontsize=font_size, pad=4.0, color=color)
        if wrong:
            for spine in tile.spines.values():
                spine.set(color=VERMILION, alpha=1.0, linewidth=2.5)
        return tile
