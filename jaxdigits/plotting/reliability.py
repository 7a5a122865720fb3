"""Whether a classifier is as often right as it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.calibration import expected_calibration_error
from jaxdigits.errors import InputError
from jaxdigits.metrics import label_columns, wilson_interval
from jaxdigits.plotting.style import BLUE, VERMILION, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReliabilityDisplay"]


class ReliabilityDisplay:
    """Accuracy against confidence, with the number of samples below: a reliability diagram.

    Samples are sorted into bins by the probability of the predicted class. A point below the diagonal says that the
    classifier is surer there than it ought to be. The bars are 95 % intervals of the accuracy: a point is only off the
    diagonal where its bar is.

    Parameters
    ----------
    confidence : ndarray of shape (n_bins,)
        Mean probability of the predicted class in each bin; NaN where a bin is empty.
    accuracy : ndarray of shape (n_bins,)
        Share of right predictions in each bin; NaN where a bin is empty.
    counts : ndarray of int of shape (n_bins,)
        Samples in each bin.
    edges : ndarray of shape (n_bins + 1,)
        Ends of the bins, rising.
    calibration_error : float, default=None
        Expected calibration error, within [0, 1]; None leaves it unsaid.
    name : str, default=None
        What the curve is called in the legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The points.
    ax_ : ndarray of shape (2,) of matplotlib Axes
        The panels of accuracy and of counts.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    jaxdigits.calibration.expected_calibration_error : The number that the legend tells.
    RiskCoverageDisplay : What is won by not answering where it is unsure.

    References
    ----------
    A. Niculescu-Mizil, R. Caruana, "Predicting good probabilities with supervised learning", ICML 2005.

    Examples
    --------
    >>> from jaxdigits.plotting import ReliabilityDisplay
    >>> probabilities = [[0.9, 0.1]] * 10
    >>> display = ReliabilityDisplay.from_predictions(["a"] * 8 + ["b"] * 2, probabilities, ["a", "b"], n_bins=10)
    >>> round(display.calibration_error, 3), int(display.counts[8])
    (0.1, 10)
    """

    def __init__(
        self,
        confidence: NDArray[np.float64],
        accuracy: NDArray[np.float64],
        counts: NDArray[np.integer[Any]],
        edges: NDArray[np.float64],
        *,
        calibration_error: float | None = None,
        name: str | None = None,
    ) -> None:
        self.confidence = confidence
        self.accuracy = accuracy
        self.counts = counts
        self.edges = edges
        self.calibration_error = calibration_error
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        n_bins: int = 15,
        strategy: str = "uniform",
        name: str | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> ReliabilityDisplay:
        """Draw how well a fitted classifier knows how sure it may be.

        Parameters
        ----------
        estimator : object
            Anything with `predict_proba` and `classes_`.
        X : array-like of shape (n_samples, ...)
            Samples that it was not trained on.
        y : array-like of shape (n_samples,)
            True labels, all of them among the classes.
        n_bins, strategy, name, ax
            As in `from_predictions`.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        InputError
            As `from_predictions` does.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from jaxdigits.plotting import ReliabilityDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> display = ReliabilityDisplay.from_estimator(GaussianNB().fit(X, y), X, y)
        >>> f"{display.calibration_error:.2f}"  # far too sure of itself
        '0.13'
        """
        return cls.from_predictions(
            y, estimator.predict_proba(X), estimator.classes_, n_bins=n_bins, strategy=strategy, name=name, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        probabilities: ArrayLike,
        classes: ArrayLike,
        *,
        n_bins: int = 15,
        strategy: str = "uniform",
        name: str | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> ReliabilityDisplay:
        """Draw how well probabilities say how often a prediction is right.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels, all of them among the classes.
        probabilities : array-like of shape (n_samples, n_classes)
            Probability of each class.
        classes : array-like of shape (n_classes,)
            Labels of the columns.
        n_bins : int, default=15
            Number of bins.
        strategy : {"uniform", "quantile"}, default="uniform"
            Bins of equal width within [0, 1], or of equal numbers of samples: where nearly all is read surely, these
            show more.
        name : str, default=None
            What the curve is called in the legend.
        ax : matplotlib Axes or two of them, default=None
            Where to draw; see `plot`.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        InputError
            If shapes do not match, a label is none of the classes, or `n_bins` or `strategy` is unknown.

        Examples
        --------
        >>> from jaxdigits.plotting import ReliabilityDisplay
        >>> display = ReliabilityDisplay.from_predictions([1, 0], [[0.2, 0.8], [0.4, 0.6]], [0, 1], n_bins=5)
        >>> display.accuracy[[2, 3]].tolist()
        [0.0, 1.0]
        """
        shares, columns = np.asarray(probabilities, dtype=np.float64), label_columns(y_true, classes)
        calibration_error = expected_calibration_error(shares, columns, n_bins=n_bins, strategy=strategy)
        confidences, hits = shares.max(axis=1), shares.argmax(axis=1) == columns
        if strategy == "uniform":
            edges = np.linspace(0.0, 1.0, n_bins + 1)
            bins = np.clip(np.ceil(confidences * n_bins).astype(np.intp) - 1, 0, n_bins - 1)  # open on the left
        else:
            order = np.argsort(confidences, kind="stable")
            bins = np.empty(len(order), np.intp)
            bins[order] = np.arange(len(order)) * n_bins // len(order)
            edges = np.quantile(confidences, np.linspace(0.0, 1.0, n_bins + 1))
        counts = np.bincount(bins, minlength=n_bins)
        with np.errstate(invalid="ignore"):
            confidence, accuracy = (np.bincount(bins, each, minlength=n_bins) / counts for each in (confidences, hits))
        display = cls(confidence, accuracy, counts, edges, calibration_error=calibration_error, name=name)
        return display.plot(ax)

    def plot(
        self, ax: Axes | Sequence[Axes] | None = None, *, name: str | None = None, color: str | None = None
    ) -> ReliabilityDisplay:
        """Draw the diagram; on the axes of another one it is laid over that, for comparison.

        Parameters
        ----------
        ax : matplotlib Axes or two of them, default=None
            Two axes take accuracy and counts, such as `ax_` of another display; one is divided into two panels; None
            makes a new figure.
        name : str, default=None
            What the curve is called in the legend; None takes the display's own name.
        color : str, default=None
            A color as Matplotlib writes it; None is blue, and vermilion for a second curve.

        Returns
        -------
        display : ReliabilityDisplay
            Itself, with `line_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import ReliabilityDisplay
        >>> confidence, accuracy = np.array([0.25, 0.9]), np.array([0.3, 0.8])
        >>> display = ReliabilityDisplay(confidence, accuracy, np.array([10, 90]), np.array([0, 0.5, 1])).plot()
        >>> display.ax_[0].get_ylabel()
        'share read right'
        """
        self.ax_ = _two_panels(ax)
        self.figure_ = self.ax_[0].figure
        first = not self.ax_[0].get_lines()
        if color is None:
            color = BLUE if first else VERMILION
        if first:
            self._prepare(*self.ax_)
        self._draw_points(self.ax_[0], self._label(name or self.name), color, marker="o" if first else "s")
        self._draw_counts(self.ax_[1], color, filled=first)
        self.ax_[0].legend(loc="best", edgecolor="none", fontsize=9)
        return self

    def _label(self, name: str | None) -> str:
        error = None if self.calibration_error is None else f"calibration error {100 * self.calibration_error:.2f} %"
        return ", ".join(part for part in (name, error) if part) or "bins"

    def _prepare(self, upper: Axes, lower: Axes) -> None:
        upper.plot([0, 1], [0, 1], color=text_color(), alpha=0.6, linestyle=":", label="as sure as right", zorder=1.5)
        for axes in (upper, lower):
            axes.set_xlim(0.0, 1.0)
            axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(visible=True, alpha=0.2, linewidth=0.6)
        upper.set_ylim(0.0, 1.02)
        upper.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")
        upper.set_ylabel("share read right")
        upper.tick_params(labelbottom=False)
        lower.set_yscale("log")
        lower.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
        lower.set_ylabel("samples")
        lower.set_xlabel("how sure it was")

    def _draw_points(self, ax: Axes, label: str, color: str, *, marker: str) -> None:
        (filled,) = np.nonzero(self.counts)
        shares = self.accuracy[filled]
        ends = np.array(
            [wilson_interval(round(s * n), int(n)) for s, n in zip(shares, self.counts[filled], strict=True)]
        ).reshape(-1, 2)
        bars = np.abs(ends.T - shares)
        bars[~np.isfinite(bars)] = 0.0
        container = ax.errorbar(
            self.confidence[filled],
            shares,
            yerr=bars,
            color=color,
            label=label,
            marker=marker,
            markersize=5,
            linewidth=1.5,
            elinewidth=1.0,
            capsize=2.5,
            linestyle="-" if marker == "o" else (0, (5, 1.5)),
        )
        self.line_ = container.lines[0]

    def _draw_counts(self, ax: Axes, color: str, *, filled: bool) -> None:
        # Outlines for a second one, so that the first shows through.
        edges = np.maximum.accumulate(self.edges)
        style: dict[str, Any] = {"fill": True, "alpha": 0.55} if filled else {"fill": False, "linewidth": 1.5}
        ax.stairs(np.maximum(self.counts, 0.5), edges, baseline=0.5, color=color, **style)
        top = max(ax.get_ylim()[1] if not filled else 1.0, 2.0 * self.counts.max(initial=1))
        ax.set_ylim(0.5, top)


def _two_panels(ax: Axes | Sequence[Axes] | None) -> NDArray[np.object_]:
    """Two axes for accuracy and counts: new ones, the given two, or the given one divided."""
    import matplotlib.pyplot as plt

    if ax is None:
        options = {"height_ratios": [3.2, 1.0]}
        panels = plt.subplots(2, 1, figsize=(5.6, 5.6), layout="constrained", gridspec_kw=options)[1]
    elif isinstance(ax, Sequence | np.ndarray):
        panels = ax
    else:
        ax.set_axis_off()
        panels = [ax.inset_axes((0.0, 0.29, 1.0, 0.71)), ax.inset_axes((0.0, 0.0, 1.0, 0.22))]
    if len(panels) != 2:
        raise InputError(f"ax must be one Axes or two, got {len(panels)}. Give plt.subplots(2, 1)[1].")
    return np.array(panels, dtype=object)
