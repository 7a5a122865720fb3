"""Tests of jaxdigits.metrics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

from jaxdigits.errors import InputError
from jaxdigits.metrics import (
    auroc,
    commonest_confusions,
    label_columns,
    mean_log_loss,
    rates_by_class,
    wilson_interval,
)


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


@pytest.mark.parametrize("classes", [[3, 5, 9], ["a", "b", "c"]])
def test_mean_log_loss_agrees_with_scikit_learn(classes: list[object]) -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(3), 50)
    y_true = generator.choice(classes, 50)
    assert mean_log_loss(y_true, probabilities, classes) == pytest.approx(
        log_loss(y_true, probabilities, labels=classes)
    )


def test_mean_log_loss_of_a_sure_miss_is_finite() -> None:
    assert mean_log_loss([1], [[1.0, 0.0]], [0, 1]) == pytest.approx(-np.log(np.finfo(float).eps))


@pytest.mark.parametrize(
    ("y_true", "probabilities", "words"),
    [
        ([0, 7], [[0.5, 0.5]] * 2, "got 7"),
        ([0], [[0.5, 0.5]] * 2, "got \\(2, 2\\)"),
        ([], np.zeros((0, 2)), "a row or more"),
    ],
)
def test_mean_log_loss_refuses_what_does_not_fit(y_true: list[int], probabilities: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        mean_log_loss(y_true, probabilities, [0, 1])  # type: ignore[arg-type]


def test_rates_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    y_true, y_pred = generator.integers(0, 4, (2, 100))
    rates = rates_by_class(y_true, y_pred, range(4))
    expected = precision_recall_fscore_support(y_true, y_pred)
    found = [[getattr(each, name) for each in rates] for name in ("precision", "recall", "f1", "n_samples")]
    np.testing.assert_allclose(found, expected)
    assert [each.n_predicted for each in rates] == np.bincount(y_pred).tolist()


def test_rates_that_mean_nothing_are_none() -> None:
    never, missed = rates_by_class(["b", "b"], ["a", "a"], ["z", "b"])
    assert (never.recall, never.precision, never.f1) == (None, None, None)
    assert (missed.recall, missed.precision, missed.f1) == (0.0, None, 0.0)


def test_auroc_agrees_with_scikit_learn_ties_and_all() -> None:
    generator = np.random.default_rng(0)
    negative, positive = generator.integers(0, 8, 200) / 8, generator.integers(2, 10, 77) / 8
    expected = roc_auc_score(np.r_[np.zeros(200), np.ones(77)], np.r_[negative, positive])
    assert auroc(negative, positive) == pytest.approx(expected, abs=1e-12)


def test_auroc_of_scores_that_are_all_alike_is_a_half() -> None:
    assert auroc([0.3] * 5, [0.3] * 2) == 0.5


def test_auroc_takes_infinite_scores() -> None:
    assert auroc([-np.inf, 0.0], [np.inf, np.inf]) == 1.0


@pytest.mark.parametrize(("negative", "positive"), [([], [1.0]), ([1.0], []), ([[1.0]], [1.0]), ([1.0], [np.nan])])
def test_auroc_refuses_what_are_no_scores(negative: list[float], positive: list[float]) -> None:
    with pytest.raises(InputError, match="two one-dimensional arrays without NaN"):
        auroc(negative, positive)


def test_label_columns_are_found_in_any_order_of_classes() -> None:
    assert label_columns(["b", "a", "b"], ["b", "c", "a"]).tolist() == [0, 2, 0]
    assert label_columns([], [4, 9]).tolist() == []


def test_a_label_without_a_column_is_named() -> None:
    with pytest.raises(InputError, match="labels among 4, 9, got 5, 7"):
        label_columns([4, 7, 5], [4, 9])
