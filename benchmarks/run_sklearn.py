"""What scikit-learn's MLPClassifier is measured at."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.worker import load_arrays, shuffled, stopwatch

__all__ = ["check", "predict_row", "search", "train"]

WARM_IMAGES = 2000


def train(settings: dict[str, Any]) -> dict[str, Any]:
    """Train on flat rows in [0, 1]; see `benchmarks.bench_mlp_epoch` for the settings."""
    arrays = load_arrays(settings)
    rows, test_rows = arrays.rows()
    if settings["warm"]:
        _fit(_make(settings, epochs=1), rows[:WARM_IMAGES], shuffled(arrays.labels[:WARM_IMAGES]))
    classifier = _make(settings, epochs=settings["epochs"])
    with stopwatch() as watch:
        _fit(classifier, rows, arrays.labels)
    return {
        "seconds": watch.seconds / settings["epochs"],
        "epochs": classifier.n_iter_,
        "accuracy": float(classifier.score(test_rows, arrays.test_labels)),
    }


def search(settings: dict[str, Any]) -> dict[str, Any]:
    """Search a grid on the 8x8 digits with all cores; see `benchmarks.bench_grid_search`."""
    from benchmarks.grid import Grid, report, run_search

    grid = Grid(**settings["grid"])
    classifier = _make({"hidden_sizes": grid.hidden_sizes, "batch_size": grid.batch_size, "seed": 0}, grid.epochs)
    values = {"learning_rate_init": grid.learning_rates, "alpha": grid.decays}
    found = run_search(classifier, values, grid, n_jobs=settings["n_jobs"])
    return report(found, epochs=found.best_estimator_.n_iter_)


def predict_row(settings: dict[str, Any]) -> dict[str, Any]:
    """Time `predict_proba` of one row after a fit on the 8x8 digits."""
    from benchmarks.single_rows import fit_settings, time_rows

    classifier = _make({**fit_settings(settings), "seed": 0}, settings["epochs"])
    return time_rows(lambda X, y: _fit(classifier, X, y), classifier.predict_proba, settings)


def check(settings: dict[str, Any]) -> dict[str, Any]:
    """Time `check_estimator` of the defaults."""
    from benchmarks.conformance import time_checks

    del settings
    return time_checks(MLPClassifier())


def _make(settings: dict[str, Any], epochs: int) -> MLPClassifier:
    """Make a classifier that trains for exactly so many epochs, without the penalty that is its default."""
    return MLPClassifier(
        tuple(settings["hidden_sizes"]),
        alpha=0.0,
        batch_size=settings["batch_size"],
        learning_rate_init=1e-3,
        max_iter=epochs,
        n_iter_no_change=10_000,
        tol=0.0,
        random_state=settings["seed"],
    )


def _fit(classifier: MLPClassifier, X: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are given, not found
        return classifier.fit(X, y)
