"""What a classifier read wrongly, and how sure it was."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import format_percent
from jaxdigits.plotting.tiles import draw_tile, paper_colors, shorten, take_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["MistakesDisplay"]


class MistakesDisplay:
    """The worst mistakes of a classifier: the ones it was surest of.

    Each tile shows a picture, its true label, the label it was read as, and the probability given to that.

    Parameters
    ----------
    images : ndarray of shape (n_mistakes, height, width)
        Pictures, ink above paper.
    y_true : ndarray of shape (n_mistakes,)
        Their true labels.
    y_pred : ndarray of shape (n_mistakes,)
        The labels they were read as.
    probabilities : ndarray of shape (n_mistakes,)
        How sure the classifier was of `y_pred`, within [0, 1].
    n_wrong : int, default=None
        How many mistakes there are in all; None means that these are all.
    n_samples : int, default=None
        How many samples were read; None leaves it unsaid.

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
    >>> from jaxdigits.plotting import MistakesDisplay
    >>> images = np.zeros((3, 8, 8))
    >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    >>> display = MistakesDisplay.from_predictions(images, [1, 1, 0], probabilities, [0, 1])
    >>> [(int(t), int(p), float(s)) for t, p, s in zip(display.y_true, display.y_pred, display.probabilities)]
    [(1, 0, 0.9), (0, 1, 0.6)]
    """

    def __init__(
        self,
        images: NDArray[Any],
        y_true: NDArray[Any],
        y_pred: NDArray[Any],
        probabilities: NDArray[np.floating[Any]],
        *,
        n_wrong: int | None = None,
        n_samples: int | None = None,
    ) -> None:
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.probabilities = probabilities
        self.n_wrong = len(images) if n_wrong is None else n_wrong
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
        n_mistakes: int = 20,
        ax: Axes | None = None,
    ) -> MistakesDisplay:
        """Draw the worst mistakes of a fitted classifier.

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
        n_mistakes : int, default=20
            How many to show at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : MistakesDisplay

        Raises
        ------
        InputError
            If lengths do not match, or flat pictures are not square and `image_shape` is not given.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from jaxdigits.plotting import MistakesDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> MistakesDisplay.from_estimator(GaussianNB().fit(X, y), X, y, n_mistakes=6).images.shape
        (6, 8, 8)
        """
        return cls.from_predictions(
            X if images is None else images,
            y,
            estimator.predict_proba(X),
            estimator.classes_,
            image_shape=image_shape,
            n_mistakes=n_mistakes,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        images: Any,
        y_true: ArrayLike,
        probabilities: ArrayLike,
        classes: ArrayLike,
        *,
        image_shape: tuple[int, int] | None = None,
        n_mistakes: int = 20,
        ax: Axes | None = None,
    ) -> MistakesDisplay:
        """Draw the worst mistakes among some predictions.

        Parameters
        ----------
        images : array-like of shape (n_samples, height, width) or (n_samples, height * width)
            Pictures, ink above paper, with or without a last axis of length 1; flat ones may be a sparse
            matrix or a DataFrame.
        y_true : array-like of shape (n_samples,)
            True labels.
        probabilities : array-like of shape (n_samples, n_classes)
            Probability of each class.
        classes : array-like of shape (n_classes,)
            Labels of the columns of `probabilities`.
        image_shape : (height, width), default=None
            Shape of flat pictures; None takes them for square.
        n_mistakes : int, default=20
            How many to show at most.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : MistakesDisplay

        Raises
        ------
        InputError
            If lengths do not match, or flat pictures are not square and `image_shape` is not given.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import MistakesDisplay
        >>> display = MistakesDisplay.from_predictions(np.zeros((1, 64)), ["a"], [[0.3, 0.7]], ["a", "b"])
        >>> display.axes_[0].get_title().splitlines()
        ['a read as b', '70.0 % sure']
        """
        if n_mistakes < 1:
            raise InputError(f"n_mistakes must be an int >= 1, got {n_mistakes}. Use 20.")
        labels, names = np.asarray(y_true), np.asarray(classes)
        shares = np.asarray(probabilities, dtype=np.float64)
        n_samples = images.shape[0] if hasattr(images, "shape") else len(images)
        if shares.shape != (len(labels), len(names)) or n_samples != len(labels):
            raise InputError(
                f"images, y_true and probabilities must hold one row a sample and a column a class, got "
                f"{n_samples} images, {len(labels)} labels, probabilities of shape {shares.shape} and "
                f"{len(names)} classes. Give predict_proba's answer for these images, and classes_."
            )
        predictions, surest = names[shares.argmax(axis=1)], shares.max(axis=1)
        (wrong,) = np.nonzero(predictions != labels)
        worst = wrong[np.argsort(-surest[wrong], kind="stable")][:n_mistakes]
        display = cls(
            take_pictures(images, worst, image_shape=image_shape),
            labels[worst],
            predictions[worst],
            surest[worst],
            n_wrong=len(wrong),
            n_samples=len(labels),
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap | None = None) -> MistakesDisplay:
        """Draw the pictures, the surest mistake first.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; it is divided into tiles. None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colors from paper to ink; None is dark ink on light paper, or the reverse on a dark background.

        Returns
        -------
        display : MistakesDisplay
            Itself, with `axes_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import MistakesDisplay
        >>> images, four, nine = np.zeros((1, 8, 8)), np.array([4]), np.array([9])
        >>> len(MistakesDisplay(images, four, nine, np.array([0.8])).plot().axes_)
        1
        """
        import matplotlib.pyplot as plt

        n_tiles = len(self.images)
        n_columns = min(max(n_tiles, 1), 5)
        n_rows = max(1, math.ceil(n_tiles / n_columns))
        if ax is None:
            ax = plt.subplots(figsize=(max(1.7 * n_columns, 4.5), 2.1 * n_rows + 0.4), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        ax.set_axis_off()
        if n_tiles:
            ax.set_title(self._headline())
        else:
            everything = "all" if self.n_samples is None else f"all {self.n_samples:,}"
            ax.text(0.5, 0.5, f"No mistakes: {everything} right", ha="center", fontsize="large")
        if cmap is None:
            cmap = paper_colors(ax)
        self.axes_ = [self._draw_tile(ax, index, (n_rows, n_columns), cmap=cmap) for index in range(n_tiles)]
        return self

    def _headline(self) -> str:
        within = "" if self.n_samples is None else f" in {self.n_samples:,}"
        n_shown = len(self.images)
        if n_shown == self.n_wrong:
            order = ", the surest first" if n_shown > 1 else ""
        else:
            order = f", the {n_shown} surest" if n_shown > 1 else ", the surest"
        return f"{self.n_wrong:,} mistake{'' if self.n_wrong == 1 else 's'}{within}{order}"

    def _draw_tile(self, ax: Axes, index: int, grid: tuple[int, int], *, cmap: str | Colormap) -> Axes:
        # The upper quarter of a tile is left to its two lines of text.
        tile = draw_tile(ax, self.images[index], index, grid=grid, cmap=cmap, limits=self._limits(), height=0.74)
        words = f"{shorten(self.y_true[index])} read as {shorten(self.y_pred[index])}"
        sureness = f"{format_percent(self.probabilities[index])} sure"
        points = 72.0 * ax.get_window_extent().width / ax.figure.dpi / grid[1]
        tile.set_title(f"{words}\n{sureness}", fontsize=min(10.0, max(4.0, points / 10.0)), pad=4.0)
        return tile

    def _limits(self) -> tuple[float, float | None]:
        return self.images.min(), self.images.max() or None
