"""Tests of jaxdigits.metrics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from jaxdigits.errors import InputError
from jaxdigits.metrics import commonest_confusions, wilson_interval


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 450), (1, 450), (225, 450), (446, 450), (450, 450)])
def test_wilson_interval_agrees_with_scipy(k: int, n: int, confidence: float) -> None:
    expected = binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(k, n, confidence=confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_interval_ends_are_exact_at_no_and_all_successes() -> None:
    assert wilson_interval(0, 50)[0] == 0.0
    assert wilson_interval(50, 50)[1] == 1.0
    assert wilson_interval(50, 50)[0] < 1.0


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_interval_refuses_impossible_counts(k: int, n: int) -> None:
    with pytest.raises(InputError, match=f"got k={k} and n={n}"):
        wilson_interval(k, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
def test_wilson_interval_refuses_a_confidence_out_of_range(confidence: float) -> None:
    with pytest.raises(InputError, match="strictly between 0 and 1"):
        wilson_interval(1, 2, confidence=confidence)


def test_commonest_confusions_are_sorted_by_count_then_by_label() -> None:
    y_true = np.array([9, 9, 4, 4, 4, 3, 1, 1, 2])
    y_pred = np.array([5, 5, 9, 9, 9, 8, 7, 1, 0])
    assert commonest_confusions(y_true, y_pred, n=4) == [(4, 9, 3), (9, 5, 2), (1, 7, 1), (2, 0, 1)]


def test_commonest_confusions_keeps_the_two_directions_apart() -> None:
    assert commonest_confusions(["a", "b", "b"], ["b", "a", "a"]) == [("b", "a", 2), ("a", "b", 1)]


def test_commonest_confusions_of_a_faultless_classifier_is_empty() -> None:
    assert commonest_confusions([1, 2, 3], [1, 2, 3]) == []


def test_commonest_confusions_returns_plain_python_values() -> None:
    ((true, predicted, count),) = commonest_confusions(np.array([4]), np.array([9]))
    assert (type(true), type(predicted), type(count)) == (int, int, int)


def test_commonest_confusions_refuses_labels_of_different_length() -> None:
    with pytest.raises(InputError, match=r"got shapes \(2,\) and \(3,\)"):
        commonest_confusions([1, 2], [1, 2, 3])
