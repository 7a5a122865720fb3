"""How a model learned: loss and accuracy against epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import BLUE, VERMILION, text_color

if TYPE_CHECKING:
    from typing import Literal

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    Place = Literal["best", "lower right"]

__all__ = ["TrainingCurvesDisplay"]


class TrainingCurvesDisplay:
    """Loss and accuracy against epochs, training beside validation.

    The best epoch is marked in both panels, and the gap between training and validation accuracy there is
    named: a large one means that the model learned its samples by heart.

    Parameters
    ----------
    epochs : array-like of shape (n_epochs,)
        Epoch numbers, rising.
    loss : array-like of shape (n_epochs,)
        Training loss, in nats.
    accuracy : array-like of shape (n_epochs,)
        Training accuracy, within [0, 1].
    validation_loss : array-like of shape (n_epochs,), default=None
        Loss on the validation part; NaN where it was not measured, None if it never was.
    validation_accuracy : array-like of shape (n_epochs,), default=None
        Accuracy on the validation part, likewise.
    best_epoch : int, default=None
        The epoch to mark, a value of `epochs`. None marks the lowest validation loss, or without validation
        the lowest training loss.

    Attributes
    ----------
    ax_ : ndarray of shape (2,) of matplotlib Axes
        The panels of loss and accuracy.
    figure_ : matplotlib Figure
        The figure that holds them.

    Examples
    --------
    >>> from jaxdigits.plotting import TrainingCurvesDisplay
    >>> history = [{"epoch": 1, "loss": 0.9, "accuracy": 0.7}, {"epoch": 2, "loss": 0.3, "accuracy": 0.9}]
    >>> display = TrainingCurvesDisplay.from_history(history)
    >>> display.best_epoch
    2
    """

    def __init__(
        self,
        epochs: ArrayLike,
        loss: ArrayLike,
        accuracy: ArrayLike,
        *,
        validation_loss: ArrayLike | None = None,
        validation_accuracy: ArrayLike | None = None,
        best_epoch: int | None = None,
    ) -> None:
        self.epochs = np.asarray(epochs)
        self.loss = _curve(loss)
        self.accuracy = _curve(accuracy)
        self.validation_loss = _curve(validation_loss)
        self.validation_accuracy = _curve(validation_accuracy)
        self.best_epoch = self._lowest_loss_epoch() if best_epoch is None else int(best_epoch)

    @classmethod
    def from_history(
        cls,
        history: Sequence[Mapping[str, Any]],
        *,
        best_epoch: int | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> TrainingCurvesDisplay:
        """Draw the records of a training run.

        Parameters
        ----------
        history : sequence of dict
            One record an epoch, as in `DigitClassifier.history_`: `epoch`, `loss`, `accuracy` and, if there
            was a validation part, `validation_loss` and `validation_accuracy`.
        best_epoch : int, default=None
            The epoch to mark; None looks for the lowest loss.
        ax : matplotlib Axes or two of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display : TrainingCurvesDisplay

        Raises
        ------
        InputError
            If the history is empty.

        Examples
        --------
        >>> from jaxdigits.plotting import TrainingCurvesDisplay
        >>> records = [{"epoch": 1, "loss": 0.9, "accuracy": 0.7}]
        >>> TrainingCurvesDisplay.from_history(records).ax_.shape
        (2,)
        """
        if len(history) == 0:
            raise InputError("history must hold at least one epoch, got none. Fit the estimator first.")
        display = cls(
            [record["epoch"] for record in history],
            _column(history, "loss"),
            _column(history, "accuracy"),
            validation_loss=_column(history, "validation_loss"),
            validation_accuracy=_column(history, "validation_accuracy"),
            best_epoch=best_epoch,
        )
        return display.plot(ax)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | Sequence[Axes] | None = None) -> TrainingCurvesDisplay:
        """Draw how a fitted estimator learned.

        Parameters
        ----------
        estimator : object
            Fitted estimator with `history_`, and `best_epoch_` if it knows one.
        ax : matplotlib Axes or two of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display : TrainingCurvesDisplay

        Raises
        ------
        InputError
            If the estimator has no history.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> from jaxdigits.plotting import TrainingCurvesDisplay
        >>> fitted = SimpleNamespace(history_=[{"epoch": 1, "loss": 0.9, "accuracy": 0.7}], best_epoch_=1)
        >>> TrainingCurvesDisplay.from_estimator(fitted).best_epoch
        1
        """
        history = getattr(estimator, "history_", None)
        if not history:
            raise InputError(
                f"training curves need a fitted estimator with history_, got {type(estimator).__name__} "
                "without one. Call fit first; for a pipeline give its last step."
            )
        return cls.from_history(history, best_epoch=getattr(estimator, "best_epoch_", None), ax=ax)

    def plot(self, ax: Axes | Sequence[Axes] | None = None) -> TrainingCurvesDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or two of them, default=None
            Two axes take loss and accuracy; one is divided into two panels; None makes a new figure.

        Returns
        -------
        display : TrainingCurvesDisplay
            Itself, with `ax_` and `figure_` set.

        Examples
        --------
        >>> from jaxdigits.plotting import TrainingCurvesDisplay
        >>> TrainingCurvesDisplay([1, 2], [0.9, 0.3], [0.7, 0.9]).plot().ax_[0].get_title(loc="left")
        'Loss'
        """
        self.ax_ = _two_panels(ax)
        self.figure_ = self.ax_[0].figure
        self._draw_panel(self.ax_[0], "Loss", self.loss, self.validation_loss)
        self._draw_panel(self.ax_[1], "Accuracy", self.accuracy, self.validation_accuracy)
        self._scale_loss(self.ax_[0])
        self._scale_accuracy(self.ax_[1])
        self._name_gap(self.ax_[1])
        self._draw_legend(self.ax_[0], self.ax_[0].get_legend_handles_labels()[0], "best")
        return self

    def _lowest_loss_epoch(self) -> int:
        for loss in (self.validation_loss, self.loss):
            if np.isfinite(loss).any():
                return int(self.epochs[np.nanargmin(loss)])
        return int(self.epochs[-1])

    def _draw_panel(self, ax: Axes, title: str, training: NDArray[np.float64], validation: NDArray[np.float64]) -> None:
        from matplotlib.ticker import MaxNLocator

        # A lone point makes no line, so short runs show their points.
        marker = "o" if len(self.epochs) <= 15 else None
        style: dict[str, Any] = {"marker": marker, "markersize": 4.0, "linewidth": 1.8}
        (at_best,) = np.nonzero(self.epochs == self.best_epoch)
        if at_best.size:
            label = f"kept epoch: {self.best_epoch}"
            ax.axvline(self.best_epoch, label=label, color=text_color(), alpha=0.6, linestyle=":", linewidth=1.2)
        ax.plot(self.epochs, training, label="training", color=BLUE, **style)
        if np.isfinite(validation).any():
            ax.plot(
                self.epochs,
                validation,
                label="validation",
                color=VERMILION,
                linestyle=(0, (5, 1.5)),
                **style,
            )
        ax.set_title(title, loc="left")
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(visible=True, alpha=0.2, linewidth=0.6)

    def _draw_legend(self, ax: Axes, handles: Sequence[Artist], place: Place) -> None:
        if handles:
            width = 72.0 * ax.get_window_extent().width / ax.figure.dpi
            # Its longest line takes about 18 times the font size.
            ax.legend(handles=handles, loc=place, edgecolor="none", fontsize=min(10.0, max(4.0, width / 18.0)))

    def _name_gap(self, ax: Axes) -> None:
        """Name the gap in accuracy; that in loss means little where the training loss is a smoothed one."""
        (at_best,) = np.nonzero(self.epochs == self.best_epoch)
        if not (at_best.size and self.validation_accuracy.size):
            return
        ends = [self.accuracy[at_best[0]], self.validation_accuracy[at_best[0]]]
        if not np.isfinite(ends).all():
            return
        label = f"gap at epoch {self.best_epoch}: {100.0 * (ends[0] - ends[1]):+.1f} points"
        style: dict[str, Any] = {"linewidth": 3.0, "solid_capstyle": "butt", "zorder": 1.9}
        (bar,) = ax.plot([self.best_epoch] * 2, ends, label=label, color=text_color(), **style)
        self._draw_legend(ax, [bar], "lower right")

    def _scale_loss(self, ax: Axes) -> None:
        values = np.concatenate([self.loss, self.validation_loss])
        values = values[np.isfinite(values) & (values > 0.0)]
        # A loss that falls by more than a factor of 20 hides everything after the first epochs otherwise.
        if values.size and values.max() > 20.0 * values.min():
            ax.set_yscale("log")
        elif values.size:
            ax.set_ylim(bottom=0.0)

    def _scale_accuracy(self, ax: Axes) -> None:
        ax.yaxis.set_major_formatter(lambda share, _: f"{100.0 * share:.4g} %")
        curves = [curve for curve in (self.accuracy, self.validation_accuracy) if np.isfinite(curve).any()]
        if not curves:
            return
        lowest = min(float(np.nanmin(curve)) for curve in curves)
        worst_end = min(float(curve[np.isfinite(curve)][-1]) for curve in curves)
        # The first epochs may leave the panel at its foot, so that the gap at the end can be seen.
        span = max(12.0 * (1.0 - worst_end), 0.05)
        foot = max(lowest, 1.0 - span, 0.0)
        ax.set_ylim(foot - 0.05 * (1.0 - foot), 1.0 + 0.03 * (1.0 - foot) + 1e-6)


def _column(history: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    """One value of each record; NaN where it is absent or None."""
    values = (record.get(name) for record in history)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _curve(values: ArrayLike | None) -> NDArray[np.float64]:
    """Float array in which infinity is NaN, so that it breaks the line; empty for None."""
    curve = np.array([] if values is None else values, dtype=np.float64)
    curve[~np.isfinite(curve)] = np.nan
    return curve


def _two_panels(ax: Axes | Sequence[Axes] | None) -> NDArray[np.object_]:
    """Two axes for loss and accuracy: new ones, the given two, or the given one divided."""
    import matplotlib.pyplot as plt

    if ax is None:
        panels = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")[1]
    elif isinstance(ax, Sequence | np.ndarray):
        panels = ax
    else:
        ax.set_axis_off()
        panels = [ax.inset_axes((0.0, 0.0, 0.42, 1.0)), ax.inset_axes((0.58, 0.0, 0.42, 1.0))]
    if len(panels) != 2:
        raise InputError(f"ax must be one Axes or two, got {len(panels)}. Give plt.subplots(1, 2)[1].")
    return np.array(panels, dtype=object)
