"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import ConfusionMatrixDisplay as _SklearnConfusionMatrixDisplay
from sklearn.metrics import confusion_matrix as count_confusions
from sklearn.utils.multiclass import unique_labels

from jaxdigits.errors import InputError
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
from jaxdigits.plotting.tiles import take_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["ConfusionMatrixDisplay"]


class ConfusionMatrixDisplay(_SklearnConfusionMatrixDisplay):
    """Scikit-learn's confusion matrix, colored so that the mistakes are what one sees.

    In a good classifier the diagonal is a hundred times what lies beside it and takes the whole color scale.
    Here the scale belongs to the mistakes, in vermilion; the diagonal is a quiet blue that carries its counts
    and no scale. A picture of a mistake may stand in its cell. Everything else is scikit-learn's class.

    Parameters
    ----------
    confusion_matrix : ndarray of shape (n_classes, n_classes)
        Counts or shares; rows are true labels, columns predicted ones.
    display_labels : ndarray of shape (n_classes,), default=None
        Names of the classes; None numbers them from 0.
    thumbnails : dict of (row, column) to ndarray of shape (height, width), default=None
        A picture to show in a cell, ink above paper, with the count beside it in the corner; None shows none.

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

    def __init__(
        self,
        confusion_matrix: NDArray[Any],
        *,
        display_labels: ArrayLike | None = None,
        thumbnails: Mapping[tuple[int, int], NDArray[Any]] | None = None,
    ) -> None:
        super().__init__(confusion_matrix, display_labels=display_labels)
        self.thumbnails = thumbnails

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
        if self.thumbnails:
            self._draw_thumbnails()
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
        thumbnails: bool = False,
        images: ArrayLike | None = None,
        image_shape: tuple[int, int] | None = None,
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
        labels, sample_weight, normalize, display_labels, image_shape
            As in `from_predictions`.
        thumbnails : bool, default=False
            Whether cells with mistakes show the first of them.
        images : array-like of shape (n_samples, height, width), default=None
            Pictures for that; None shows X itself. Give them where X holds features made from pictures.
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
            images=(X if images is None else images) if thumbnails else None,
            image_shape=image_shape,
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
        images: ArrayLike | None = None,
        image_shape: tuple[int, int] | None = None,
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
        images : array-like of shape (n_samples, height, width) or (n_samples, height * width), default=None
            Pictures, ink above paper: cells with mistakes show the first of them. None shows none.
        image_shape : (height, width), default=None
            Shape of flat pictures; None takes them for square.
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
        classes = unique_labels(y_true, y_pred) if labels is None else np.asarray(labels)
        matrix = count_confusions(y_true, y_pred, labels=classes, sample_weight=sample_weight, normalize=normalize)
        display = cls(
            matrix,
            display_labels=classes if display_labels is None else display_labels,
            thumbnails=None if images is None else _first_mistakes(images, (y_true, y_pred), classes, image_shape),
        )
        return display.plot(
            include_values=include_values,
            xticks_rotation=xticks_rotation,
            values_format=values_format,
            cmap=cmap,
            ax=ax,
            colorbar=colorbar,
            im_kw=im_kw,
            text_kw=text_kw,
        )

    def _quiet_diagonal(self) -> None:
        """Take the diagonal out of the color scale."""
        matrix = np.asarray(self.confusion_matrix)
        self.im_.set_data(np.ma.array(matrix, mask=np.eye(len(matrix), dtype=bool)))
        background = background_color(self.ax_)
        diagonal = blend(BLUE, background, 0.22 if ink_on(background) == "black" else 0.5)
        self.im_.set_cmap(self.im_.get_cmap().with_extremes(bad=diagonal))

    def _draw_thumbnails(self) -> None:
        """Draw each picture in ink on the color of its cell, and move the count into the corner."""
        from matplotlib.colors import LinearSegmentedColormap

        assert self.thumbnails is not None
        limits = self.ax_.get_xlim(), self.ax_.get_ylim()
        cells = self.im_.to_rgba(self.im_.get_array())
        for (row, column), image in self.thumbnails.items():
            cell = tuple(cells[row, column][:3])
            colors = LinearSegmentedColormap.from_list("ink on the cell", [cell, ink_on(cell)])
            # Left and up, so that the count has the lower right corner.
            extent = (column - 0.46, column + 0.26, row + 0.26, row - 0.46)
            self.ax_.imshow(image, cmap=colors, extent=extent, vmin=image.min(), vmax=image.max() or 1, zorder=1.5)
            if self.text_ is not None:
                text = self.text_[row, column]
                text.set(position=(column + 0.45, row + 0.46), ha="right", va="bottom", zorder=3)
                text.set(fontsize=max(0.85 * text.get_fontsize(), 3.0), fontweight="bold")
        self.ax_.set(xlim=limits[0], ylim=limits[1])

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


def _first_mistakes(
    images: Any, labels: tuple[ArrayLike, ArrayLike], classes: NDArray[Any], image_shape: tuple[int, int] | None
) -> dict[tuple[int, int], NDArray[Any]]:
    """Take the first picture of each kind of mistake, by the cell that it belongs to."""
    y_true, y_pred = (np.asarray(each) for each in labels)
    n_samples = images.shape[0] if hasattr(images, "shape") else len(images)
    if n_samples != len(y_true):
        raise InputError(f"images must be {len(y_true)}, as many as labels, got {n_samples}. Give one a label.")
    places = {label: place for place, label in enumerate(classes.tolist())}
    rows: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(y_true != y_pred).tolist():
        true, predicted = y_true[row : row + 1].tolist()[0], y_pred[row : row + 1].tolist()[0]
        if true in places and predicted in places:
            rows.setdefault((places[true], places[predicted]), row)
    if not rows:
        return {}
    return dict(zip(rows, take_pictures(images, np.array(list(rows.values())), image_shape=image_shape), strict=True))


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
