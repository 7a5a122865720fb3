"""How well a model reads labeled samples, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Result", "count_phrase", "describe_accuracy", "describe_confusions", "judge"]


@dataclass(frozen=True)
class Result:
    """How some samples were read.

    Parameters
    ----------
    n_right : int
        Samples read right.
    n_samples : int
        Samples read.
    log_loss : float
        Mean, in nats.
    predictions : ndarray of shape (n_samples,)
        The labels they were read as.
    """

    n_right: int
    n_samples: int
    log_loss: float
    predictions: NDArray[Any]


def judge(model: Any, X: NDArray[Any], y: NDArray[Any]) -> Result:
    """Read labeled samples.

    Parameters
    ----------
    model : object
        Anything with `predict_proba` and `classes_`.
    X : ndarray of shape (n, ...)
        Samples as the model takes them.
    y : ndarray of shape (n,)
        True labels.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If the model does not know a label.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from jaxdigits.cli.results import judge
    >>> model = SimpleNamespace(classes_=np.array([4, 9]), predict_proba=lambda X: np.array([[0.8, 0.2]]))
    >>> judge(model, np.zeros((1, 64)), np.array([4])).n_right
    1
    """
    from jaxdigits.metrics import mean_log_loss

    probabilities = model.predict_proba(X)
    predictions = model.classes_[probabilities.argmax(axis=1)]
    log_loss = mean_log_loss(y, probabilities, model.classes_)
    return Result(int((predictions == y).sum()), len(y), log_loss, predictions)


def describe_accuracy(result: Result) -> str:
    """Tell the share of samples read right, with its interval.

    Parameters
    ----------
    result : Result
        How samples were read.

    Returns
    -------
    text : str

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.results import Result, describe_accuracy
    >>> describe_accuracy(Result(446, 450, 0.03, np.zeros(450)))
    '446/450 = 99.11 %  (95 % interval 97.74 to 99.65 %)'
    """
    from jaxdigits.metrics import wilson_interval

    k, n = result.n_right, result.n_samples
    low, high = wilson_interval(k, n)
    return f"{k}/{n} = {100 * k / n:.2f} %  (95 % interval {100 * low:.2f} to {100 * high:.2f} %)"


def describe_confusions(y: NDArray[Any], result: Result, *, where: str = "") -> str:
    """Tell the three commonest confusions in words.

    Parameters
    ----------
    y : ndarray of shape (n,)
        True labels.
    result : Result
        How they were read.
    where : str, default=""
        Words for what was read, such as "in the test".

    Returns
    -------
    text : str
        A line each, below a headline.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.results import Result, describe_confusions
    >>> print(describe_confusions(np.array([4, 9]), Result(1, 2, 0.4, np.array([9, 9]))))
    Commonest confusions:
      4 read as 9: 1 time
    """
    from jaxdigits.metrics import commonest_confusions

    confusions = commonest_confusions(y, result.predictions)
    place = f" {where}" if where else ""
    if not confusions:
        return f"No mistakes{place}."
    lines = [f"  {true} read as {predicted}: {count_phrase(count, 'time')}" for true, predicted, count in confusions]
    return "\n".join([f"Commonest confusions{place}:", *lines])


def count_phrase(count: int, noun: str) -> str:
    """Write a count with its noun.

    Parameters
    ----------
    count : int
        How many.
    noun : str
        Of what, in the singular; its plural ends in s.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from jaxdigits.cli.results import count_phrase
    >>> count_phrase(1, "image"), count_phrase(42000, "row")
    ('1 image', '42,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
