"""How long scikit-learn's own checks of an estimator take, and how many it passes."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from sklearn.utils.estimator_checks import check_estimator

from benchmarks.worker import stopwatch

__all__ = ["time_checks"]


def time_checks(estimator: Any) -> dict[str, Any]:
    """Run `check_estimator` and count.

    Parameters
    ----------
    estimator : estimator
        An instance.

    Returns
    -------
    dict
        `seconds`, the checks `passed`, `failed` and `skipped` (by the environment), and the share passed of those
        that ran as `accuracy`, so that a gate can ask for all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the checks provoke
        with stopwatch() as watch:
            results = check_estimator(estimator, on_fail=None, on_skip=None)
    counts = Counter(result["status"] for result in results)
    passed, skipped = counts["passed"], counts["skipped"]
    return {
        "seconds": watch.seconds,
        "passed": passed,
        "skipped": skipped,
        "failed": len(results) - passed - skipped,
        "accuracy": passed / max(len(results) - skipped, 1),
    }
