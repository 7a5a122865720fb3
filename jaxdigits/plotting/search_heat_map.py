"""How the score of a search depends on two parameters."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jaxdigits.errors import InputError
from jaxdigits.plotting.style import BLUE, VERMILION, background_color, blend, ink_on, text_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["SearchHeatMapDisplay"]

PREFIX = "param_"


class SearchHeatMapDisplay:
    """Scores of a search over two parameters, as colors and numbers; the best one has a frame.

    Where more than two parameters were searched, each cell shows the best score over the others, or that at values
    which are held fixed.

    Parameters
    ----------
    scores : ndarray of shape (n_y_values, n_x_values)
        Mean scores; NaN where nothing was tried, or a fit failed.
    x, y : str
        Names of the parameters; y is empty where one parameter alone was searched.
    x_values, y_values : sequence
        Their values, in the order of columns and rows.
    over : sequence of str, default=()
        Parameters that each cell takes the best of.
    fixed : dict, default=None
        Parameters that are held fixed, and their values.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        The colored cells.
    text_ : ndarray of shape (n_y_values, n_x_values) of matplotlib Text
        The numbers.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure that holds them.

    Examples
    --------
    >>> from jaxdigits.plotting import SearchHeatMapDisplay
    >>> results = {
    ...     "param_rate": [0.1, 0.1, 0.01, 0.01],
    ...     "param_size": [32, 64, 32, 64],
    ...     "mean_test_score": [0.91, 0.92, 0.97, 0.95],
    ... }
    >>> display = SearchHeatMapDisplay.from_results(results)
    >>> display.x_values, display.y_values, display.scores.tolist()
    ([0.01, 0.1], [32, 64], [[0.97, 0.91], [0.95, 0.92]])
    """

    def __init__(
        self,
        scores: NDArray[np.float64],
        *,
        x: str,
        y: str,
        x_values: Sequence[Any],
        y_values: Sequence[Any],
        over: Sequence[str] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        self.scores = scores
        self.x = x
        self.y = y
        self.x_values = list(x_values)
        self.y_values = list(y_values)
        self.over = list(over)
        self.fixed = dict(fixed or {})

    @classmethod
    def from_estimator(
        cls,
        search: Any,
        *,
        x: str | None = None,
        y: str | None = None,
        fixed: Mapping[str, Any] | None = None,
        score: str = "mean_test_score",
        ax: Axes | None = None,
    ) -> SearchHeatMapDisplay:
        """Draw the results of a fitted search.

        Parameters
        ----------
        search : object
            Anything with `cv_results_`, such as a fitted `GridSearchCV` or `VectorizedSearchCV`.
        x, y, fixed, score, ax
            As in `from_results`.

        Returns
        -------
        display : SearchHeatMapDisplay

        Raises
        ------
        InputError
            If it was not fitted, or as `from_results` does.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.model_selection import GridSearchCV
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from jaxdigits.plotting import SearchHeatMapDisplay
        >>> grid = {"max_depth": [3, 9], "min_samples_leaf": [1, 5, 25]}
        >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=3)
        >>> SearchHeatMapDisplay.from_estimator(search.fit(*load_digits(return_X_y=True))).scores.shape
        (2, 3)
        """
        results = getattr(search, "cv_results_", None)
        if results is None:
            raise InputError(
                f"a heat map needs a fitted search with cv_results_, got {type(search).__name__} without one. "
                "Call fit first."
            )
        return cls.from_results(results, x=x, y=y, fixed=fixed, score=score, ax=ax)

    @classmethod
    def from_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        x: str | None = None,
        y: str | None = None,
        fixed: Mapping[str, Any] | None = None,
        score: str = "mean_test_score",
        ax: Axes | None = None,
    ) -> SearchHeatMapDisplay:
        """Draw a table of results.

        Parameters
        ----------
        cv_results : dict of str to array-like
            As in `cv_results_` of a search: columns `param_<name>` and scores, a row for each candidate.
        x, y : str, default=None
            Names of the parameters to the right and downwards. None takes those with the most different values,
            the one with the most to the right.
        fixed : dict, default=None
            Values at which other parameters are held. Each cell shows the best score over those that are left.
        score : str, default="mean_test_score"
            Column to show; higher is better.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : SearchHeatMapDisplay

        Raises
        ------
        InputError
            If there is no such parameter, value or column, or no parameter has more than one value.

        Examples
        --------
        >>> from jaxdigits.plotting import SearchHeatMapDisplay
        >>> results = {"param_depth": [2, 4, 8], "mean_test_score": [0.5, 0.7, 0.6]}
        >>> SearchHeatMapDisplay.from_results(results).ax_.get_title()
        'best 0.700: depth=4'
        """
        columns = {name.removeprefix(PREFIX): list(cv_results[name]) for name in cv_results if name.startswith(PREFIX)}
        fixed = dict(fixed or {})
        _check_names(columns, [each for each in (x, y, *fixed) if each is not None])
        if score not in cv_results:
            scores = [name for name in cv_results if name.startswith("mean_")]
            raise InputError(f"score must be a column of the results, got {score!r}. Use one of {', '.join(scores)}.")
        kept = _rows_with(columns, fixed)
        x, y = _choose_axes({name: [values[row] for row in kept] for name, values in columns.items()}, x, y, fixed)
        x_values = _in_order([columns[x][row] for row in kept])
        y_values = _in_order([columns[y][row] for row in kept]) if y else [None]
        found = np.full((len(y_values), len(x_values)), np.nan)
        for row in kept:
            place = (y_values.index(columns[y][row]) if y else 0, x_values.index(columns[x][row]))
            found[place] = np.fmax(found[place], float(cv_results[score][row]))
        over = [n for n in columns if n not in (x, y, *fixed) and len(_in_order([columns[n][row] for row in kept])) > 1]
        display = cls(found, x=x, y=y, x_values=x_values, y_values=y_values, over=over, fixed=fixed)
        return display.plot(ax)

    def plot(
        self, ax: Axes | None = None, *, cmap: str | Colormap | None = None, values_format: str | None = None
    ) -> SearchHeatMapDisplay:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        cmap : str or matplotlib Colormap, default=None
            Colors from the worst to the best score; None goes from nearly the background to blue.
        values_format : str, default=None
            Format of the numbers; None takes three digits, or four where scores lie close together.

        Returns
        -------
        display : SearchHeatMapDisplay
            Itself, with `im_`, `text_`, `ax_` and `figure_` set.

        Examples
        --------
        >>> import numpy as np
        >>> from jaxdigits.plotting import SearchHeatMapDisplay
        >>> scores = np.array([[0.9, 0.95]])
        >>> display = SearchHeatMapDisplay(scores, x="rate", y="", x_values=[0.1, 0.2], y_values=[None]).plot()
        >>> [text.get_text() for text in display.text_[0]]
        ['0.900', '0.950']
        """
        import matplotlib.pyplot as plt

        n_rows, n_columns = self.scores.shape
        if ax is None:
            size = (float(np.clip(1.6 + 0.85 * n_columns, 4.5, 9.0)), float(np.clip(1.5 + 0.6 * n_rows, 2.2, 8.0)))
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        self.ax_, self.figure_ = ax, ax.figure
        finite = self.scores[np.isfinite(self.scores)]
        span = float(np.ptp(finite)) if finite.size else 0.0
        if values_format is None:
            values_format = ".4f" if 0.0 < span < 0.02 else ".3f"
        limits = (finite.min(), finite.max() if span else finite.min() + 1e-9) if finite.size else (0.0, 1.0)
        self.im_ = ax.imshow(
            np.ma.masked_invalid(self.scores),
            cmap=_score_colors(ax) if cmap is None else cmap,
            vmin=limits[0],
            vmax=limits[1],
            aspect="auto",
        )
        self._write_scores(values_format)
        self._frame_best()
        self._dress(values_format)
        return self

    def _write_scores(self, values_format: str) -> None:
        cells = self.im_.to_rgba(np.ma.masked_invalid(self.scores))
        extent = self.ax_.get_window_extent()
        cell = 72.0 * extent.width / self.ax_.figure.dpi / self.scores.shape[1]
        size = float(np.clip(cell / (0.7 * (len(format(0.0, values_format)) + 1)), 4.0, 10.0))
        self.text_ = np.empty(self.scores.shape, dtype=object)
        for (row, column), score in np.ndenumerate(self.scores):
            known = bool(np.isfinite(score))
            text = format(score, values_format) if known else "\N{EN DASH}"
            color = ink_on(tuple(cells[row, column])) if known else text_color()
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size}
            self.text_[row, column] = self.ax_.text(column, row, text, color=color, **style)

    def _frame_best(self) -> None:
        from matplotlib.patches import Rectangle

        if not np.isfinite(self.scores).any():
            return
        row, column = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
        place = (float(column) - 0.47, float(row) - 0.47)
        self.ax_.add_patch(Rectangle(place, 0.94, 0.94, fill=False, edgecolor=VERMILION, linewidth=2.5))
        self.text_[row, column].set_fontweight("bold")

    def _dress(self, values_format: str) -> None:
        ax = self.ax_
        ax.grid(visible=False)
        ax.set_xticks(range(len(self.x_values)), [_write(each) for each in self.x_values])
        ax.set_yticks(range(len(self.y_values)), [_write(each) for each in self.y_values] if self.y else [""])
        ax.set_xlabel(self.x)
        ax.set_ylabel(self.y)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        longest = max(len(_write(each)) for each in self.x_values)
        cell = 72.0 * ax.get_window_extent().width / ax.figure.dpi / len(self.x_values)
        if 6.0 * longest > cell:
            for label in ax.get_xticklabels():
                label.set(rotation=30, ha="right", rotation_mode="anchor")
        ax.set_title(self._headline(values_format), fontsize="medium")

    def _headline(self, values_format: str) -> str:
        lines = []
        if np.isfinite(self.scores).any():
            row, column = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
            best = {self.x: self.x_values[column], **({self.y: self.y_values[row]} if self.y else {})}
            pairs = ", ".join(f"{name}={_write(value)}" for name, value in best.items())
            lines.append(f"best {self.scores[row, column]:{values_format}}: {pairs}")
        if self.fixed:
            lines.append("at " + ", ".join(f"{name}={_write(value)}" for name, value in self.fixed.items()))
        if self.over:
            lines.append(f"each cell the best over {', '.join(self.over)}")
        return "\n".join(textwrap.fill(line, 60) for line in lines)


def _check_names(columns: Mapping[str, Any], asked: Sequence[str]) -> None:
    unknown = [name for name in asked if name not in columns]
    if unknown or not columns:
        raise InputError(
            f"x, y and fixed must name parameters of the search, got {', '.join(unknown) or 'results without any'}. "
            f"Use {', '.join(columns) or 'cv_results_ of a search'}."
        )


def _rows_with(columns: Mapping[str, Sequence[Any]], fixed: Mapping[str, Any]) -> list[int]:
    """Find the candidates at the fixed values."""
    n_rows = len(next(iter(columns.values())))
    kept = [row for row in range(n_rows) if all(columns[name][row] == value for name, value in fixed.items())]
    if not kept:
        pairs = ", ".join(f"{name}={value!r}" for name, value in fixed.items())
        known = "; ".join(f"{name}: {', '.join(map(_write, _in_order(columns[name])))}" for name in fixed)
        raise InputError(f"fixed must hold values that were tried together, got {pairs}. Those tried: {known}.")
    return kept


def _choose_axes(
    columns: Mapping[str, Sequence[Any]], x: str | None, y: str | None, fixed: Mapping[str, Any]
) -> tuple[str, str]:
    """Take the axes asked for, and for the others the parameters with the most values."""
    n_values = {name: len(_in_order(values)) for name, values in columns.items() if name not in fixed}
    free = [name for name in n_values if n_values[name] > 1 and name not in (x, y)]
    free.sort(key=lambda name: -n_values[name])
    if x is None and not free:
        raise InputError(
            "a heat map needs a parameter with two values or more, got none. Search over one, or fix fewer."
        )
    x = free.pop(0) if x is None else x
    y = free.pop(0) if y is None and free else y
    if x == y:
        raise InputError(f"x and y must be two parameters, got {x!r} twice. Leave one out.")
    return x, y or ""


def _in_order(values: Sequence[Any]) -> list[Any]:
    """Return different values: sorted if they are numbers, else in the order in which they come."""
    found: list[Any] = []
    for value in values:
        plain = value.item() if isinstance(value, np.generic) else value
        if plain not in found:
            found.append(plain)
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in found)
    return sorted(found) if numbers else found


def _write(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple | list):
        return "-".join(map(_write, value)) or "none"
    return getattr(value, "__name__", None) or str(value)


def _score_colors(ax: Axes) -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    background = background_color(ax)
    ends: list[Any] = [blend(BLUE, background, 0.08), BLUE]
    return LinearSegmentedColormap.from_list("scores", ends).with_extremes(bad=background)
