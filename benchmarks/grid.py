"""The grid search that all libraries run: 12 candidates x 5 folds on the 8x8 digits, 50 epochs each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold

__all__ = ["Grid", "report", "run_search"]


@dataclass(frozen=True)
class Grid:
    """What is searched, the same for every library.

    Parameters
    ----------
    learning_rates, decays : sequence of float
        The candidates: rates of Adam, and penalties in scikit-learn's units, which divide by the batch size.
    hidden_sizes, batch_size, epochs, n_folds : as named
        What all candidates share.
    n_samples : int or None, default=None
        Digits to search on; None takes all 1,797.
    """

    learning_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    decays: tuple[float, ...] = (0.0, 1e-4, 1e-3, 1e-2)
    hidden_sizes: tuple[int, ...] = (100,)
    batch_size: int = 32
    epochs: int = 50
    n_folds: int = 5
    n_samples: int | None = None


def run_search(
    estimator: Any, values: dict[str, Any], grid: Grid, *, n_jobs: int | None, make: Callable[..., Any] = GridSearchCV
) -> Any:
    """Search, with the same folds for everyone.

    Parameters
    ----------
    estimator : estimator
        Of any library.
    values : dict
        Its parameters to search.
    grid : Grid
        Says on how many samples and folds.
    n_jobs : int or None
        Worker processes, as scikit-learn counts them.
    make : class, default=GridSearchCV
        The search, or what has its interface.

    Returns
    -------
    search
        Fitted.
    """
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(grid.n_folds, shuffle=True, random_state=0)
    words = {} if n_jobs is None else {"n_jobs": n_jobs}
    search = make(estimator, {name: list(found) for name, found in values.items()}, cv=folds, **words)
    return search.fit((X / 16).astype("float32")[: grid.n_samples], y[: grid.n_samples])


def report(search: Any, *, epochs: int) -> dict[str, Any]:
    """Return what a search found; `epochs` are those of the best candidate, as it counts them itself."""
    scores = search.cv_results_["mean_test_score"]
    alone = search.n_jobs in (None, 1)
    return {
        **({} if alone else {"peak_mib": None}),  # of this process only, not of its workers: better untold
        "accuracy": float(search.best_score_),
        "mean_score": float(scores.mean()),
        "candidates": len(scores),
        "epochs": int(epochs),
        "best": {name: float(value) for name, value in search.best_params_.items()},
    }
