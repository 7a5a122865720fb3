"""How many errors are left when a classifier answers only where it is sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import BLUE, VERMILION, format_percent, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["RiskCoverageDisplay"]

SETTLED = 0.1  # share of the samples from which on the error rate is one


class RiskCoverageDisplay:
    """Error rate among the answered samples against the share that is answered: the surest first.

    Parameters
    ----------
    coverage : ndarray of shape (n_thresholds,)
        Share of samples that are answered, rising.
    risk : ndarray of shape (n_thresholds,)
        Share of errors among them.
    thresholds : ndarray of shape (n_thresholds,)
        How sure it must be for that, falling.
    threshold : float, default=None
        The one to mark; None marks none.
    name : str, default=None
        What the curve is called in the legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    point_ : matplotlib Line2D or None
        The mark of the threshold.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure that holds them.

    See Also
    --------
    jaxdigits.calibration.rejection_threshold : The threshold that keeps a stated risk.
    ReliabilityDisplay : Whether it is as often right as it says.

    References
    ----------
    Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017.

    Examples
    --------
    >>> from jaxdigits.plotting import RiskCoverageDisplay
    >>> probabilities = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]]
    >>> display = RiskCoverageDisplay.from_predictions([0, 1, 0, 0], probabilities, [0, 1])
    >>> display.coverage.tolist(), display.risk.tolist()
    ([0.25, 0.5, 1.0], [0.0, 0.0, 0.25])
    """

    def __init__(
        self,
        coverage: NDArray[np.float64],
        risk: NDArray[np.float64],
        thresholds: NDArray[np.float64],
        *,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        self.coverage = coverage
        self.risk = risk
        self.thresholds = thresholds
        self.threshold = threshold
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> RiskCoverageDisplay:
        """Draw what a fitted classifier wins by not answering.

        Parameters
        ----------
        estimator : object
            Anything with `predict_proba` and `classes_`.
        X : array-like of shape (n_samples, ...)
            Samples that it was not trained on.
        y : array-like of shape (n_samples,)
            True labels. One that is not among the classes counts as read wrong.
        threshold : float, default=None
            Probability to mark, such as `DigitClassifier.rejection_threshold` finds on other samples.
        name : str, default=None
            What the curve is called in the legend.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : RiskCoverageDisplay

        Raises
        ------
        InputError
            As `from_predictions` does.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from jaxdigits.plotting import RiskCoverageDisplay
        >>> X, y = load_digits(return_X_y=True)
        >>> display = RiskCoverageDisplay.from_estimator(GaussianNB().fit(X, y), X, y, threshold=0.999)
        >>> bool(display.risk[0] < display.risk[-1])
        True
        """
        return cls.from_predictions(
            y, estimator.predict_proba(X), estimator.classes_, threshold=threshold, name=name, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        probabilities: ArrayLike,
        classes: ArrayLike,
        *,
        threshold: float | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> RiskCoverageDisplay:
        """Draw what is won by not answering where probabilities are low.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels. One that is not among the classes counts as read wrong.
        probabilities : array-like of shape (n_samples, n_classes)
            Probability of each class.
        classes : array-like of shape (n_classes,)
            Labels of the columns.
        threshold : float, default=None
            Probability to mark.
        name : str, default=None
            What the curve is called in the legend.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : RiskCoverageDisplay

        Raises
        ------
        InputError
            If shapes do not match.

        Examples
        --------
        >>> from jaxdigits.plotting import RiskCoverageDisplay
        >>> display = RiskCoverageDisplay.from_predictions([0, 1], [[0.9, 0.1], [0.6, 0.4]], [0, 1], threshold=0.8)
        >>> display.point_.get_label()
        'sure by 80.0 % or more: 50.0 % answered, 0 % of them wrong'
        """
        labels, names = np.asarray(y_true), np.asarray(classes)
        shares = np.asarray(probabilities, dtype=np.float64)
        if shares.shape != (len(labels), len(names)) or not len(labels):
            raise InputError(
                f"probabilities must have shape (n_samples, n_classes) = {(len(labels), len(names))}, not empty, "
                f"got {shares.shape}. Give predict_proba's answer for these samples, and classes_."
            )
        confidences = shares.max(axis=1)
        order = np.argsort(-confidences, kind="stable")
        sorted_confidences = confidences[order]
        errors = np.cumsum(names[shares.argmax(axis=1)][order] != labels[order])
        # Samples that are equally sure are answered together.
        last = np.append(np.flatnonzero(np.diff(sorted_confidences)), len(order) - 1)
        display = cls(
            (last + 1) / len(order), errors[last] / (last + 1), sorted_confidences[last], threshold=threshold, name=name
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None, *, name: str | None = None, color: str | None = None) -> RiskCoverageDisplay:
        """Draw the curve; on the axes of another one it is laid over that, for comparison.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        name : str, default=None
            What the curve is called in the legend; None takes the display's own name.
        color : str, default=None
            A color as Matplotlib writes it; None is blue, and vermilion for a second curve.

        Returns
        -------
        display : RiskCoverageDisplay
            Itself, with `line_`, `point_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import RiskCoverageDisplay
        >>> coverage, risk = np.array([0.5, 1.0]), np.array([0.0, 0.1])
        >>> RiskCoverageDisplay(coverage, risk, np.array([0.9, 0.4])).plot().ax_.get_xlabel()
        'share answered, the surest first'
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6.2, 4.2), layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        first = not ax.get_lines()
        if color is None:
            color = BLUE if first else VERMILION
        label = ": ".join(
            filter(None, (name or self.name, f"{format_percent(self.risk[-1])} wrong if all are answered"))
        )
        # The rate holds from one answered sample to the next.
        (self.line_,) = ax.plot(
            self.coverage,
            self.risk,
            label=label,
            color=color,
            linewidth=1.8,
            drawstyle="steps-post",
            linestyle="-" if first else (0, (5, 1.5)),
        )
        self.point_ = None if self.threshold is None else self._mark(ax, color)
        self._dress(ax, first=first)
        return self

    def _mark(self, ax: Axes, color: str) -> Any:
        """Mark what the threshold answers, and tell it in the legend."""
        assert self.threshold is not None
        answered = int(np.sum(self.thresholds >= self.threshold))
        coverage, risk = (self.coverage[answered - 1], self.risk[answered - 1]) if answered else (0.0, 0.0)
        words = (
            f"{format_percent(coverage)} answered, {format_percent(risk)} of them wrong" if answered else "no answers"
        )
        label = f"sure by {format_percent(self.threshold)} or more: {words}"
        ax.plot(
            [coverage, coverage, 0.0], [0.0, risk, risk], color=text_color(), alpha=0.6, linestyle=":", linewidth=1.2
        )
        return ax.plot(
            [coverage], [risk], label=label, color=color, marker="o", markersize=8, linestyle="none", clip_on=False
        )[0]

    def _dress(self, ax: Axes, *, first: bool) -> None:
        # One sure mistake among the first answers would take the whole scale: the curve may leave it there.
        settled = self.risk[self.coverage >= min(SETTLED, self.coverage[-1])]
        drawn_before = 0.0 if first else ax.get_ylim()[1]
        ax.set_ylim(0.0, min(max(drawn_before, 1.25 * float(settled.max()), 1e-3), 1.02))
        ax.set_xlim(0.0, 1.005)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")
        ax.set_xlabel("share answered, the surest first")
        ax.set_ylabel("share of the answers that is wrong")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(visible=True, alpha=0.2, linewidth=0.6)
        width = 72.0 * ax.get_window_extent().width / ax.figure.dpi
        longest = max(len(str(line.get_label())) for line in ax.get_lines())
        # A character is about 0.55 of the font size wide; the mark takes four.
        ax.legend(loc="best", edgecolor="none", fontsize=min(9.0, max(4.0, width / (0.55 * (longest + 4)))))
