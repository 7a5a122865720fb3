"""Numbers that say how good a classifier is, and how sure we may be of them.

Pure functions of plain values, used by reports, figures and commands alike.
"""

from __future__ import annotations

import math
from collections import Counter
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError

__all__ = [
    "ClassRates",
    "auroc",
    "commonest_confusions",
    "label_columns",
    "mean_log_loss",
    "rates_by_class",
    "wilson_interval",
]


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


def label_columns(y_true: ArrayLike, classes: ArrayLike) -> NDArray[np.intp]:
    """Find the column of each label among the classes.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    classes : array-like of shape (n_classes,)
        Labels of the columns, all different, in any order.

    Returns
    -------
    ndarray of int of shape (n_samples,)
        0 to n_classes - 1.

    Raises
    ------
    InputError
        If a label is none of the classes.

    Examples
    --------
    >>> from jaxdigits.metrics import label_columns
    >>> label_columns(["nine", "four"], ["four", "nine"])
    array([1, 0])
    """
    columns = {name: column for column, name in enumerate(np.asarray(classes).tolist())}
    labels = np.asarray(y_true).tolist()
    unknown = sorted({label for label in labels if label not in columns}, key=str)
    if unknown:
        raise InputError(
            f"y_true must hold labels among {', '.join(map(str, columns))}, got {', '.join(map(str, unknown[:5]))}. "
            "Drop those samples, or use a model that knows them."
        )
    return np.array([columns[label] for label in labels], dtype=np.intp)


def mean_log_loss(y_true: ArrayLike, probabilities: ArrayLike, classes: ArrayLike) -> float:
    """Mean negative natural logarithm of the probability that was given to the true label.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    probabilities : array-like of shape (n_samples, n_classes)
        Probability of each class; below 2.2e-16 they are taken for that, so that one miss is not infinite.
    classes : array-like of shape (n_classes,)
        Labels of the columns, all different.

    Returns
    -------
    float
        In nats; 0 is perfect, ``log(n_classes)`` is guessing.

    Raises
    ------
    InputError
        If a label is none of the classes, or the shapes do not fit together.

    Examples
    --------
    >>> from jaxdigits.metrics import mean_log_loss
    >>> round(mean_log_loss([7, 1], [[0.5, 0.5], [0.0, 1.0]], [1, 7]), 2)
    18.37
    """
    labels, names = np.asarray(y_true), np.asarray(classes)
    shares = np.asarray(probabilities, dtype=np.float64)
    if shares.shape != (len(labels), len(names)) or not len(labels):
        raise InputError(
            f"probabilities must have shape (n_samples, n_classes) = {(len(labels), len(names))} and a row or more, "
            f"got {shares.shape}. Give predict_proba's answer for these samples, and classes_."
        )
    picked = shares[np.arange(len(labels)), label_columns(labels, names)]
    return float(-np.log(np.maximum(picked, np.finfo(np.float64).eps)).mean())


def auroc(scores_negative: ArrayLike, scores_positive: ArrayLike) -> float:
    """Area under the ROC curve: how well a score tells two kinds of samples apart.

    The probability that a random positive scores higher than a random negative; ties count half.

    Parameters
    ----------
    scores_negative : array-like of shape (n,)
        Scores of the samples that ought to score low.
    scores_positive : array-like of shape (m,)
        Scores of those that ought to score high.

    Returns
    -------
    float
        1.0 tells all apart, 0.5 is guessing.

    Raises
    ------
    InputError
        If either is empty, not one-dimensional, or holds NaN.

    References
    ----------
    J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143 (1982).

    Examples
    --------
    >>> from jaxdigits.metrics import auroc
    >>> auroc([0.1, 0.2], [0.2, 0.9])
    0.875
    """
    negative = np.sort(np.asarray(scores_negative, dtype=np.float64), axis=None)
    positive = np.asarray(scores_positive, dtype=np.float64)
    shapes = np.shape(scores_negative), positive.shape
    if any(len(shape) != 1 or not shape[0] for shape in shapes) or np.isnan(negative).any() or np.isnan(positive).any():
        raise InputError(
            f"scores must be two one-dimensional arrays without NaN, with a number or more, got shapes {shapes[0]} "
            f"and {shapes[1]}. Give one score a sample."
        )
    below, up_to = (np.searchsorted(negative, positive, side=side) for side in ("left", "right"))
    return float((below.sum() + up_to.sum()) / (2.0 * len(negative) * len(positive)))


class ClassRates(NamedTuple):
    """How one class was read.

    Attributes
    ----------
    label : Any
        The class, a plain Python value.
    n_samples : int
        Samples of it.
    n_predicted : int
        Samples that were read as it.
    recall : float or None
        Share of its samples that were read as it; None without samples.
    precision : float or None
        Share of those read as it that are; None where nothing was.
    f1 : float or None
        Harmonic mean of both: twice the hits over samples plus predictions; None where there are neither.
    """

    label: Any
    n_samples: int
    n_predicted: int
    recall: float | None
    precision: float | None
    f1: float | None


def rates_by_class(y_true: ArrayLike, y_pred: ArrayLike, classes: ArrayLike) -> list[ClassRates]:
    """Recall, precision and F1 of each class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    classes : array-like of shape (n_classes,)
        Which classes to list, in this order.

    Returns
    -------
    list of ClassRates
        One for each class.

    Examples
    --------
    >>> from jaxdigits.metrics import rates_by_class
    >>> for rates in rates_by_class([4, 4, 9], [4, 9, 9], [4, 9]):
    ...     print(rates.label, rates.recall, rates.precision)
    4 0.5 1.0
    9 1.0 0.5
    """
    true_labels, predicted_labels = np.asarray(y_true), np.asarray(y_pred)
    rates = []
    for label in np.asarray(classes).tolist():
        is_true, is_predicted = true_labels == label, predicted_labels == label
        n_hits, n_true, n_predicted = (int(np.sum(x)) for x in (is_true & is_predicted, is_true, is_predicted))
        rates.append(
            ClassRates(
                label,
                n_true,
                n_predicted,
                n_hits / n_true if n_true else None,
                n_hits / n_predicted if n_predicted else None,
                2 * n_hits / (n_true + n_predicted) if n_true + n_predicted else None,
            )
        )
    return rates
