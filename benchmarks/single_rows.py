"""Predicting one row at a time: the model, and how a call is timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.worker import time_calls

__all__ = ["TRAINING_ROWS", "fit_settings", "split_digits", "time_rows"]

TRAINING_ROWS = 1437


def fit_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the network's settings, shared by all libraries."""
    return {"hidden_sizes": settings["hidden_sizes"], "batch_size": settings["batch_size"]}


def split_digits() -> tuple[Any, Any, Any, Any]:
    """Return the 8x8 digits in [0, 1] as float32: training rows and labels, test rows and labels."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = (X[order] / 16).astype(np.float32), y[order]
    return X[:TRAINING_ROWS], y[:TRAINING_ROWS], X[TRAINING_ROWS:], y[TRAINING_ROWS:]


def time_rows(
    fit: Callable[[Any, Any], Any], predict_proba: Callable[[Any], Any], settings: dict[str, Any]
) -> dict[str, Any]:
    """Fit, check the accuracy row by row, and time calls with a single row.

    Parameters
    ----------
    fit : callable
        (X, y) -> anything; may do nothing if the model is ready.
    predict_proba : callable
        Rows of shape (1, 64), float32 -> probabilities.
    settings : dict
        `n_calls`.

    Returns
    -------
    dict
        Median and 99th percentile of a call in microseconds, and the accuracy of the same calls.
    """
    X, y, test_rows, test_labels = split_digits()
    fit(X, y)
    right = [np.argmax(predict_proba(row[None])) == label for row, label in zip(test_rows, test_labels, strict=True)]
    rows = iter(np.random.default_rng(1).integers(0, len(test_rows), 2 * settings["n_calls"]))

    def call() -> None:
        index = next(rows)
        predict_proba(test_rows[index : index + 1])

    micros = 1e6 * np.array(time_calls(call, n_calls=settings["n_calls"], n_warm=settings["n_calls"] // 10))
    return {
        "p50_us": float(np.percentile(micros, 50)),
        "p99_us": float(np.percentile(micros, 99)),
        "accuracy": float(np.mean(right)),
    }
