"""Which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import ConfusionMatrixDisplay as _SklearnConfusionMatrixDisplay

from jaxdigits.plotting.style import (
    BLUE,
    FAINT,
    VERMILION,
    background_color,
    blend,
    format_percent,
    ink_on,
    text_color,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["ConfusionMatrixDisplay"]


class ConfusionMatrixDisplay(_SklearnConfusionMatrixDisplay):
    """Scikit-learn's confusion matrix, colored so that the mistakes are what one sees.

    In a good classifier the diagonal is a hundred times what lies beside it and takes the whole color scale.
    Here the scale belongs to the mistakes, in vermilion; the diagonal is a quiet blue that carries its counts
    and no scale. Everything else is scikit-learn's class.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_classes, n_classes)
        Counts or shares; rows are true labels, columns predicted ones.
    display_labels : ndarray of shape (n_classes,), default=None
        Names of the classes; None numbers them from 0.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        The colored cells.
    text_ : ndarray of shape (n_classes, n_classes) of matplotlib Text, or None
        The counts; None if `include_values` is False.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure that holds them.

    Examples
    --------
    >>> from jaxdigits.plotting import ConfusionMatrixDisplay
    >>> display = ConfusionMatrixDisplay.from_predictions([4, 4, 9, 9], [4, 9, 9, 9])
    >>> display.ax_.get_title()
    '3 of 4 right (75.0 %)'
    """

    def plot(
        self,
        *,
        include_values: bool = True,
        cmap: str | Colormap | None = None,
        xticks_rotation: str | float = "horizontal",
        values_format: str | None = None,
        ax: Axes | None = None,
        colorbar: bool = False,
        im_kw: dict[str, Any] | None = None,
        text_kw: dict[str, Any] | None = None,
    ) -> ConfusionMatrixDisplay:
        """Draw the matrix.

        Parameters
        ----------
        include_values : bool, default=True
            Whether the counts are written into the cells.
        cmap : str or matplotlib Colormap, default=None
            Colors of the mistakes; None goes from the background to vermilion.
        xticks_rotation : {'vertical', 'horizontal'} or float, default='horizontal'
            Rotation of the labels below.
        values_format : str, default=None
            Format of the values; None means whole numbers for counts and three digits otherwise.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        colorbar : bool, default=False
            Whether to show the scale of the mistakes' colors; the counts tell the same.
        im_kw : dict, default=None
            Passed to `imshow`; its `vmin`, `vmax` or `norm` replace the scale of the mistakes.
        text_kw : dict, default=None
            Passed to the text of each cell.

        Returns
        -------
        display : ConfusionMatrixDisplay
            Itself, with `im_`, `text_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import ConfusionMatrixDisplay
        >>> display = ConfusionMatrixDisplay(np.array([[9, 1], [0, 10]])).plot()
        >>> display.text_[0, 1].get_text()
        '1'
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6.4, 6.0), layout="constrained")[1]
        matrix = np.asarray(self.confusion_matrix)
        mistakes = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
        image_style = {} if "norm" in (im_kw or {}) else {"vmin": 0, "vmax": mistakes.max() or 1}
        image_style["cmap"] = _mistake_colors(ax) if cmap is None else cmap
        if values_format is None:
            values_format = "d" if matrix.dtype.kind in "iu" else ".2f" if matrix.max() <= 1 else ".3g"
        super().plot(
            include_values=include_values,
            xticks_rotation=xticks_rotation,
            values_format=values_format,
            ax=ax,
            colorbar=False,
            im_kw=image_style | (im_kw or {}),
            text_kw={"fontsize": _fitting_size(ax, matrix, values_format)} | (text_kw or {}),
        )
        self._quiet_diagonal()
        if include_values and "color" not in (text_kw or {}):
            self._color_values()
        if colorbar:
            self.figure_.colorbar(self.im_, ax=ax, label="mistakes", shrink=0.8)
        self._frame_cells()
        if matrix.dtype.kind in "iu" and matrix.sum():
            right, total = int(np.trace(matrix)), int(matrix.sum())
            self.ax_.set_title(f"{right:,} of {total:,} right ({format_percent(right / total)})")
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        normalize: str | None = None,
        display_labels: ArrayLike | None = None,
        include_values: bool = True,
        xticks_rotation: str | float = "horizontal",
        values_format: str | None = None,
        cmap: str | Colormap | None = None,
        ax: Axes | None = None,
        colorbar: bool = False,
        im_kw: dict[str, Any] | None = None,
        text_kw: dict[str, Any] | None = None,
    ) -> ConfusionMatrixDisplay:
        """Draw what a fitted classifier makes of some samples.

        Parameters
        ----------
        estimator : object
            Anything with a `predict` method.
        X : array-like of shape (n_samples, ...)
            Samples, as `estimator.predict` takes them.
        y : array-like of shape (n_samples,)
            True labels.
        labels, sample_weight, normalize, display_labels
            As in `from_predictions`.
        include_values, xticks_rotation, values_format, cmap, ax, colorbar, im_kw, text_kw
            As in `plot`.

        Returns
        -------
        display : ConfusionMatrixDisplay

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from jaxdigits.plotting import ConfusionMatrixDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> display = ConfusionMatrixDisplay.from_estimator(GaussianNB().fit(X, y), X, y)
        >>> display.confusion_matrix.shape
        (10, 10)
        """
        return cls.from_predictions(
            y,
            estimator.predict(X),
            labels=labels,
            sample_weight=sample_weight,
            normalize=normalize,
            display_labels=display_labels,
            include_values=include_values,
            xticks_rotation=xticks_rotation,
            values_format=values_format,
            cmap=cmap,
            ax=ax,
            colorbar=colorbar,
            im_kw=im_kw,
            text_kw=text_kw,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        normalize: str | None = None,
        display_labels: ArrayLike | None = None,
        include_values: bool = True,
        xticks_rotation: str | float = "horizontal",
        values_format: str | None = None,
        cmap: str | Colormap | None = None,
        ax: Axes | None = None,
        colorbar: bool = False,
        im_kw: dict[str, Any] | None = None,
        text_kw: dict[str, Any] | None = None,
    ) -> ConfusionMatrixDisplay:
        """Draw true labels against predicted ones.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        labels : array-like of shape (n_classes,), default=None
            Which classes to show, and in what order; None shows all that occur, sorted.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None counts each once.
        normalize : {'true', 'pred', 'all'}, default=None
            Show shares of the rows, of the columns or of the whole in place of counts.
        display_labels : array-like of shape (n_classes,), default=None
            Names of the classes; None shows the labels themselves.
        include_values, xticks_rotation, values_format, cmap, ax, colorbar, im_kw, text_kw
            As in `plot`.

        Returns
        -------
        display : ConfusionMatrixDisplay

        Examples
        --------
        >>> from jaxdigits.plotting import ConfusionMatrixDisplay
        >>> display = ConfusionMatrixDisplay.from_predictions(["no", "yes"], ["yes", "yes"])
        >>> display.confusion_matrix.tolist()
        [[0, 1], [0, 1]]
        """
        display: ConfusionMatrixDisplay = super().from_predictions(
            y_true,
            y_pred,
            labels=labels,
            sample_weight=sample_weight,
            normalize=normalize,
            display_labels=display_labels,
            include_values=include_values,
            xticks_rotation=xticks_rotation,
            values_format=values_format,
            cmap=cmap,
            ax=ax,
            colorbar=colorbar,
            im_kw=im_kw,
            text_kw=text_kw,
        )
        return display

    def _quiet_diagonal(self) -> None:
        """Take the diagonal out of the color scale."""
        matrix = np.asarray(self.confusion_matrix)
        self.im_.set_data(np.ma.array(matrix, mask=np.eye(len(matrix), dtype=bool)))
        background = background_color(self.ax_)
        diagonal = blend(BLUE, background, 0.22 if ink_on(background) == "black" else 0.5)
        self.im_.set_cmap(self.im_.get_cmap().with_extremes(bad=diagonal))

    def _color_values(self) -> None:
        """Write each value in what its own cell lets one read; empty cells whisper."""
        cells = self.im_.to_rgba(self.im_.get_array())
        for (row, column), text in np.ndenumerate(self.text_):
            text.set_color(ink_on(cells[row, column]))
            if row == column:
                text.set_fontweight("bold")
            elif self.confusion_matrix[row, column] == 0:
                text.set_alpha(FAINT)
                text.set_text("0")

    def _frame_cells(self) -> None:
        """Thin lines between the cells, which are mostly of the background's own color."""
        n_classes = len(self.confusion_matrix)
        self.ax_.grid(visible=False)
        self.ax_.set_xticks(np.arange(n_classes + 1) - 0.5, minor=True)
        self.ax_.set_yticks(np.arange(n_classes + 1) - 0.5, minor=True)
        self.ax_.grid(which="minor", color=text_color(), alpha=0.15, linestyle="-", linewidth=0.6)
        self.ax_.tick_params(which="both", length=0)
        self.ax_.spines[:].set_visible(False)


def _fitting_size(ax: Axes, matrix: NDArray[Any], values_format: str) -> float:
    """Font size in points at which the longest value fits into its cell."""
    extent = ax.get_window_extent()
    cell = 72.0 * min(extent.width, extent.height) / ax.figure.dpi / len(matrix)
    longest = max(len(format(value, values_format)) for value in matrix.ravel())
    # A bold digit is about 0.7 of the font size wide; half a digit is left on each side.
    return float(np.clip(cell / (0.7 * (longest + 1)), 3.0, 11.0))


def _mistake_colors(ax: Axes) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    background = background_color(ax)
    # Cells without mistakes keep the background; a single mistake is already tinted.
    stops: list[tuple[float, str | tuple[float, float, float]]] = [
        (0.0, background),
        (1e-6, blend(VERMILION, background, 0.18)),
        (1.0, VERMILION),
    ]
    return LinearSegmentedColormap.from_list("mistakes", stops)
