"""Numbers that say how good a classifier is, and how sure we may be of them.

Pure functions of plain values, used by reports, figures and commands alike.
"""

from __future__ import annotations

import math
from collections import Counter
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxdigits.errors import InputError

__all__ = ["commonest_confusions", "wilson_interval"]


def wilson_interval(k: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a proportion seen as k successes among n trials.

    Wilson's score interval: unlike the textbook k/n plus or minus two standard errors it stays within
    [0, 1] and keeps its width when k is 0 or n, which is where a good classifier lives.

    Parameters
    ----------
    k : int
        Number of successes, such as samples read right; 0 <= k <= n.
    n : int
        Number of trials, at least 1.
    confidence : float, default=0.95
        Share of such intervals that hold the true proportion; 0 < confidence < 1.

    Returns
    -------
    low, high : tuple of float
        Ends of the interval, as proportions within [0, 1].

    Raises
    ------
    InputError
        If k, n or confidence is out of range.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927).

    Examples
    --------
    >>> from jaxdigits.metrics import wilson_interval
    >>> low, high = wilson_interval(446, 450)
    >>> f"{low:.3f} to {high:.3f}"
    '0.977 to 0.997'
    """
    if n < 1 or not 0 <= k <= n:
        raise InputError(
            f"wilson_interval needs 0 <= k <= n and n >= 1, got k={k} and n={n}. "
            "Give the number of successes first, then the number of trials."
        )
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence must lie strictly between 0 and 1, got {confidence}. Use 0.95.")
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    share = k / n
    shrink = 1.0 + z * z / n
    center = (share + z * z / (2.0 * n)) / shrink
    half_width = z / shrink * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    # At k = 0 and k = n the ends are 0 and 1 exactly; rounding would leave them 1e-17 beside.
    low = 0.0 if k == 0 else max(0.0, center - half_width)
    high = 1.0 if k == n else min(1.0, center + half_width)
    return low, high


def commonest_confusions(y_true: ArrayLike, y_pred: ArrayLike, *, n: int = 3) -> list[tuple[Any, Any, int]]:
    """Most frequent mistakes of a classifier.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, of any kind.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    n : int, default=3
        How many kinds of mistake to return at most.

    Returns
    -------
    confusions : list of (true label, predicted label, count)
        The commonest first; equally common ones in the order of their labels. Shorter than `n`, or empty,
        when there are fewer kinds of mistake. Labels are plain Python values.

    Raises
    ------
    InputError
        If `y_true` and `y_pred` are not one-dimensional or differ in length.

    Examples
    --------
    >>> from jaxdigits.metrics import commonest_confusions
    >>> commonest_confusions([4, 4, 4, 7, 1], [9, 9, 4, 1, 1])
    [(4, 9, 2), (7, 1, 1)]
    """
    true_labels, predicted_labels = np.asarray(y_true), np.asarray(y_pred)
    if true_labels.ndim != 1 or true_labels.shape != predicted_labels.shape:
        raise InputError(
            "y_true and y_pred must be one-dimensional and of one length, "
            f"got shapes {true_labels.shape} and {predicted_labels.shape}. Give one label a sample in each."
        )
    # Pairs are counted in label order first, so the stable sort of most_common settles ties by label.
    pairs = sorted(zip(true_labels.tolist(), predicted_labels.tolist(), strict=True))
    counts = Counter((true, predicted) for true, predicted in pairs if true != predicted)
    return [(true, predicted, count) for (true, predicted), count in counts.most_common(n)]
