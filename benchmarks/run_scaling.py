"""What a fit costs as one size of it grows, and whether many fits leave anything behind."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.run_jaxdigits import PLAIN
from benchmarks.worker import stopwatch

__all__ = ["fit_many", "fit_once"]

N_CLASSES = 10
BUDGET_SECONDS = 6.0
MOST_FITS = 5


def fit_once(settings: dict[str, Any]) -> dict[str, Any]:
    """Time a fit of one epoch on synthetic bytes: five of them, or as many as six seconds hold."""
    from jaxdigits import DigitClassifier

    X, y = _draw(settings["samples"], settings["features"])
    words = {**PLAIN, "hidden_sizes": (settings["hidden"],), "batch_size": settings["batch"], "image_shape": None}
    if settings["members"] > 1:
        if "n_members" not in DigitClassifier().get_params():
            return {"missing": "DigitClassifier has no n_members yet"}
        words["n_members"] = settings["members"]

    def fit(**more: Any) -> None:
        DigitClassifier("mlp", **words, **more, device=settings["device"], random_state=0).fit(X, y)

    fit(max_epochs=1) if settings["members"] > 1 else fit(max_seconds=0.5)
    seconds: list[float] = []
    while len(seconds) < MOST_FITS and (not seconds or sum(seconds) < BUDGET_SECONDS):
        with stopwatch() as watch:
            fit(max_epochs=1)
        seconds.append(watch.seconds)
    steps = -(-settings["samples"] // settings["batch"])
    return {"seconds": median(seconds), "fits": seconds, "step_us": 1e6 * median(seconds) / steps}


def fit_many(settings: dict[str, Any]) -> dict[str, Any]:
    """Fit and predict many times with other seeds, rates and numbers of samples, and watch the resident memory."""
    from jaxdigits import DigitClassifier

    X, y = _draw(1000, 64)
    resident = []
    for number in range(settings["n_fits"]):
        rate = 1e-3 * (1 + number % 7)
        words = {**PLAIN, "learning_rate": rate, "max_epochs": 2, "hidden_sizes": (100,), "batch_size": 32}
        classifier = DigitClassifier("mlp", **words, device=settings["device"], random_state=number)
        n_samples = 600 + number % 13
        classifier.fit(X[:n_samples], y[:n_samples]).predict(X[:100])
        if (number + 1) % (settings["n_fits"] // 10) == 0:
            resident.append(_resident_mib())
    return {"resident_mib": resident, "growth": resident[-1] / resident[0] - 1}


def _draw(n_samples: int, n_features: int) -> tuple[Any, Any]:
    """Draw rows whose label can be learned: a block of each is brighter, by its class."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, N_CLASSES, n_samples)
    X = generator.integers(0, 128, (n_samples, n_features), dtype=np.uint8)
    X[np.arange(n_samples), y % n_features] = 255
    return X, y


def _resident_mib() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
