"""How sure a classifier may be: temperature, calibration error, and the threshold below which it had better abstain.

Pure functions of NumPy arrays, used by the training and the recognition side alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError

__all__ = ["expected_calibration_error", "fit_temperature", "rejection_threshold", "softmax"]

Floats = NDArray[np.float64]

TEMPERATURES = (0.01, 100.0)
"""Ends of the range that `fit_temperature` searches."""

STRATEGIES = ("uniform", "quantile")
"""Kinds of bins: of equal width, or of equal numbers of samples."""

_FIRST_SHARE = 0.75  # of the samples, accepted by the first of the thresholds that are tested
_MOST_RISK = 1 - 1e-9


def softmax(logits: ArrayLike) -> Floats:
    """Turn logits into probabilities.

    Parameters
    ----------
    logits : array-like of shape (n, n_classes)
        Finite numbers of any size.

    Returns
    -------
    ndarray of shape (n, n_classes), float64
        Positive, or 0 where too small; each row sums to 1.

    Examples
    --------
    >>> from jaxdigits.calibration import softmax
    >>> softmax([[1000.0, 1000.0], [0.0, -1000.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    shifted = np.array(logits, dtype=np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    probabilities: Floats = np.exp(shifted, out=shifted)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def pool_logits(members: ArrayLike) -> Floats:
    """Turn the logits of an ensemble's members into those of the ensemble.

    Parameters
    ----------
    members : array-like of shape (n_members, n, n_classes)
        Finite numbers of any size.

    Returns
    -------
    ndarray of shape (n, n_classes), float64
        Logarithm of the mean of the members' probabilities: its `softmax` is that mean. A temperature is fitted to the
        pooled logits, as Rahaman & Thiery (NeurIPS 2021) advise: members that are calibrated one by one are too
        unsure together. Of one member, its logits as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.calibration import pool_logits, softmax
    >>> softmax(pool_logits(np.log([[[0.9, 0.1]], [[0.5, 0.5]]])))
    array([[0.7, 0.3]])
    """
    logits = np.array(members, dtype=np.float64)
    if len(logits) == 1:
        alone: Floats = logits[0]
        return alone
    logits -= logits.max(axis=2, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=2, keepdims=True))
    largest = logits.max(axis=0)
    pooled: Floats = largest + np.log(np.exp(logits - largest).mean(axis=0))
    return pooled


def _check_columns(rows: ArrayLike, labels: ArrayLike, name: str) -> tuple[Floats, NDArray[np.int64]]:
    """Return rows as finite float64 of shape (n, n_classes), and labels as columns of it."""
    values, columns = np.asarray(rows, dtype=np.float64), np.asarray(labels)
    if values.ndim != 2 or columns.shape != values.shape[:1] or not values.size:
        raise InputError(
            f"{name} must have shape (n, n_classes) and labels shape (n,), got {values.shape} and {columns.shape}. "
            "Give one row and one label a sample."
        )
    if not np.isfinite(values).all():
        raise InputError(f"{name} must be finite, got NaN or infinity. Drop those samples.")
    if columns.dtype.kind not in "iu" or columns.min() < 0 or columns.max() >= values.shape[1]:
        raise InputError(
            f"labels must be columns of {name}, integers from 0 to {values.shape[1] - 1}, got {columns.dtype} "
            f"{columns.min()} to {columns.max()}. Use np.searchsorted(classes, y)."
        )
    return values, columns.astype(np.int64)


def fit_temperature(logits: ArrayLike, labels: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Find the temperature at which probabilities are as sure as they are right.

    ``softmax(logits / temperature)`` has the least mean log loss on these samples. Above 1 it makes a network less
    sure of itself; predictions never change. Take samples that the network was not trained on.

    Parameters
    ----------
    logits : array-like of shape (n, n_classes)
        What the network said.
    labels : array-like of shape (n,)
        Column of each sample's true class, 0 to n_classes - 1.
    sample_weight : array-like of shape (n,), optional
        Weight of each sample, not negative; None weighs all alike.

    Returns
    -------
    float
        Between 0.01 and 100. The ends stand for samples that are all read right, for which no temperature is low
        enough, and for logits that say nothing of the labels.

    Raises
    ------
    InputError
        If the shapes do not fit together, a label is no column, or values are not finite.

    Notes
    -----
    The loss is convex in the reciprocal of the temperature; a Newton step that leaves the bracket of the root of its
    derivative gives way to bisection, both on the logarithm.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    Sure of 95 % and right in three of four cases: the temperature that says 75 % is log(19) / log(3).

    >>> from jaxdigits.calibration import fit_temperature
    >>> logits = [[0.0, 2.944439]] * 4
    >>> round(fit_temperature(logits, [1, 1, 1, 0]), 3)
    2.68
    """
    rows, columns = _check_columns(logits, labels, "logits")
    weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != columns.shape or not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise InputError(
            f"sample_weight must be {len(rows)} finite numbers >= 0, not all 0, got an array of shape {weights.shape}. "
            "Give one weight a sample, or None."
        )
    weights = weights / weights.sum()
    rows = rows - rows[np.arange(len(rows)), columns][:, None]  # the true class at 0: its loss is log(sum(exp(row)))
    low, high = (-math.log(end) for end in reversed(TEMPERATURES))  # of the logarithm of the reciprocal
    if _loss_slopes(rows, weights, high)[0] <= 0:
        return TEMPERATURES[0]
    if _loss_slopes(rows, weights, low)[0] >= 0:
        return TEMPERATURES[1]
    at = 0.0
    for _ in range(200):
        slope, curvature = _loss_slopes(rows, weights, at)
        low, high = (at, high) if slope < 0 else (low, at)
        step = at - slope / curvature if curvature > 0 else math.inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - at) < 1e-10:
            break
        at = following
    return math.exp(-following)


def _loss_slopes(rows: Floats, weights: Floats, at: float) -> tuple[float, float]:
    """First and second derivative of the mean log loss by the logarithm of the reciprocal of the temperature."""
    scale = math.exp(at)
    probabilities = softmax(rows * scale)
    means = (probabilities * rows).sum(axis=1)
    squares = (probabilities * rows**2).sum(axis=1)
    first = float(weights @ means) * scale
    return first, float(weights @ (squares - means**2)) * scale**2 + first


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, *, n_bins: int = 15, strategy: str = "uniform"
) -> float:
    """Mean distance between how sure a classifier says it is and how often it is right.

    Samples are sorted into bins by the probability of the predicted class. In each bin the mean of that probability
    is compared with the share of right predictions; the distances are averaged, weighted by the samples in the bin.

    Parameters
    ----------
    probabilities : array-like of shape (n, n_classes)
        Probability of each class.
    labels : array-like of shape (n,)
        Column of each sample's true class, 0 to n_classes - 1.
    n_bins : int, default=15
        Number of bins; empty ones do not count.
    strategy : {"uniform", "quantile"}, default="uniform"
        Bins of equal width within [0, 1], or of equal numbers of samples.

    Returns
    -------
    float
        Between 0, the best, and 1.

    Raises
    ------
    InputError
        If the shapes do not fit together, a label is no column, or n_bins or strategy is unknown.

    References
    ----------
    M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015.

    Examples
    --------
    >>> from jaxdigits.calibration import expected_calibration_error
    >>> probabilities = [[0.9, 0.1]] * 10
    >>> labels = [0] * 8 + [1] * 2
    >>> round(expected_calibration_error(probabilities, labels), 3)
    0.1
    """
    rows, columns = _check_columns(probabilities, labels, "probabilities")
    if isinstance(n_bins, bool) or not isinstance(n_bins, int | np.integer) or n_bins < 1:
        raise InputError(f"n_bins must be an int >= 1, got {n_bins!r}. Use 15.")
    if strategy not in STRATEGIES:
        raise InputError(f"strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}. Use 'uniform'.")
    confidences, hits = rows.max(axis=1), rows.argmax(axis=1) == columns
    if strategy == "uniform":
        bins = np.clip(np.ceil(confidences * n_bins).astype(np.int64) - 1, 0, n_bins - 1)  # open on the left
    else:
        order = np.argsort(confidences, kind="stable")
        bins = np.empty(len(order), np.int64)
        bins[order] = np.arange(len(order)) * n_bins // len(order)
    gaps = np.bincount(bins, weights=confidences - hits, minlength=int(n_bins))
    return float(np.abs(gaps).sum() / len(rows))


# ---- abstaining ----


def rejection_threshold(
    confidences: ArrayLike, correct: ArrayLike, *, risk: float = 0.001, confidence: float = 0.95
) -> float:
    """Find how sure a classifier must be for at most a given share of errors among what it accepts.

    Samples with a confidence of at least the threshold are accepted. With probability `confidence` over the draw of
    these samples, at most a share `risk` of *all* samples like these that are accepted is wrong. It holds for data
    like these: independent samples of the same source. It says nothing of another pen, camera or population.

    Parameters
    ----------
    confidences : array-like of shape (n,)
        How sure the classifier is of each prediction, such as the largest probability; higher is surer. Samples that
        it was not trained on.
    correct : array-like of shape (n,), bool
        Whether each prediction is right.
    risk : float, default=0.001
        Share of errors that is allowed among accepted samples; 0 < risk < 1.
    confidence : float, default=0.95
        Probability with which the bound holds; 0 < confidence < 1.

    Returns
    -------
    float
        The smallest threshold that passed, one of the confidences given.

    Raises
    ------
    InputError
        If the risk cannot be reached, naming the least that can: without a single error among n samples it is still
        ``1 - (1 - confidence) ** (1 / n)``, about 3 / n. Or if arrays do not fit together or a number is out of range.

    Notes
    -----
    A threshold passes if no more errors are among the samples that it accepts than a binomial distribution of the
    stated risk would show with probability 1 - confidence (Clopper and Pearson's exact bound). To try many and take
    the best would break the promise. So thresholds are given by how many samples they accept, in an order that is
    fixed before errors are looked at: from three quarters of the samples on, the rejected share shrinks by the square
    root of two at a time, and the first that fails ends the series (fixed-sequence testing). Where samples are many,
    further series start at half, a quarter, ... of that, and share 1 - confidence evenly.
    The order needs errors that do not become rarer as confidence falls, which is what confidence means.

    References
    ----------
    Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017.
    A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then test: calibrating predictive
    algorithms to achieve risk control", arXiv:2110.01052, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.calibration import rejection_threshold
    >>> confidences = np.linspace(0.5, 1.0, 1001)
    >>> correct = confidences > 0.6  # wrong where it is not sure
    >>> threshold = rejection_threshold(confidences, correct, risk=0.01)
    >>> bool(0.55 < threshold < 0.65)
    True
    >>> rejection_threshold(confidences, correct, risk=0.001)
    Traceback (most recent call last):
    jaxdigits.errors.InputError: risk 0.001 can't be reached at confidence 0.95 with 1001 samples, 201 of them wrong...
    """
    values, errors = _sort_samples(confidences, correct)
    for name, share in (("risk", risk), ("confidence", confidence)):
        if not 0.0 < share < 1.0:
            raise InputError(f"{name} must lie strictly between 0 and 1, got {share}. Use 0.001 and 0.95, for example.")
    accepted = _count_accepted(values, errors, risk, 1.0 - confidence)
    if not accepted:
        least = _least_risk(values, errors, risk, 1.0 - confidence)
        raise InputError(
            f"risk {risk:g} can't be reached at confidence {confidence:g} with {len(values)} samples, "
            f"{int(errors[-1])} of them wrong; the least is {least:.2g}. Give more samples, or accept that risk."
        )
    return float(values[accepted - 1])


def _sort_samples(confidences: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """Return confidences from high to low, and the number of errors down to each."""
    values, hits = np.asarray(confidences, dtype=np.float64), np.asarray(correct)
    flags = hits.dtype.kind in "biuf" and bool(np.isin(hits, (0, 1)).all())
    if values.ndim != 1 or hits.shape != values.shape or not len(values):
        raise InputError(
            f"confidences and correct must be one-dimensional and of one length >= 1, got shapes {values.shape} and "
            f"{hits.shape}. Give one of each a sample."
        )
    if not np.isfinite(values).all() or not flags:
        raise InputError(
            f"confidences must be finite and correct True or False, got {values.dtype} and {hits.dtype} values. "
            "Use probabilities.max(axis=1) and predictions == y."
        )
    order = np.argsort(-values, kind="stable")
    return values[order], np.cumsum(~hits[order].astype(bool))


def _least_count(risk: float, level: float) -> int:
    """Count the samples that must be accepted for the bound to reach the risk if none of them is wrong."""
    return max(math.ceil(math.log(level) / math.log1p(-risk) - 1e-9), 1)


def _series(n: int, risk: float, level: float) -> tuple[list[list[int]], float]:
    """List the series of accepted counts that are tested, each from strict to loose, and the level of each test."""
    first = _FIRST_SHARE * n
    n_series = 1
    while first / 2**n_series >= _least_count(risk, level / (n_series + 1)):
        n_series += 1
    level /= n_series
    series = []
    for index in range(n_series):
        rejected = n - max(math.ceil(first / 2**index), _least_count(risk, level))
        counts = []
        while rejected > 0:
            counts.append(n - rejected)
            rejected = min(int(rejected / math.sqrt(2)), rejected - 1)
        series.append([*counts, n] if rejected == 0 else [])
    return series, level


def _count_accepted(values: Floats, errors: NDArray[np.int64], risk: float, level: float) -> int:
    """Return how many samples the smallest threshold accepts that passes; 0 if none does."""
    series, level = _series(len(values), risk, level)
    best = 0
    for counts in series:
        for count in counts:
            # All samples that are as sure as the last one are accepted with it.
            accepted = int(np.searchsorted(-values, -values[count - 1], side="right"))
            if _binomial_cdf(int(errors[accepted - 1]), accepted, risk) > level * (1 + 1e-9):
                break
            best = max(best, accepted)
    return best


def _least_risk(values: Floats, errors: NDArray[np.int64], risk: float, level: float) -> float:
    """Return about the least risk that these samples can be given, rounded up to two digits."""
    low, high = math.log(risk), math.log(_MOST_RISK)
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if _count_accepted(values, errors, math.exp(middle), level) else (middle, high)
    digit = 10.0 ** (math.floor(high / math.log(10)) - 1)
    steps = math.ceil(math.exp(high) / digit)
    while steps * digit < 1 and not _count_accepted(values, errors, steps * digit, level):
        steps += 1
    return steps * digit


def _binomial_cdf(k: int, n: int, p: float) -> float:
    """Probability of at most k successes among n trials."""
    if k >= n:
        return 1.0
    i = np.arange(1, k + 1)
    steps = np.log((n - i + 1) / i) + math.log(p / (1 - p))
    logs = n * math.log1p(-p) + np.concatenate([[0.0], np.cumsum(steps)])
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))
