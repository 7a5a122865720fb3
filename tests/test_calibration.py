"""Tests of jaxdigits.calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax as scipy_softmax
from scipy.stats import beta
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

from jaxdigits import DigitClassifier
from jaxdigits.calibration import (
    expected_calibration_error,
    fit_temperature,
    pool_logits,
    rejection_threshold,
    softmax,
)
from jaxdigits.errors import InputError


def make_logits(temperature, *, n=4000, n_classes=10, seed=0):
    """Logits that are calibrated once they are divided by the temperature, and labels drawn from them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (n, n_classes))
    labels = (softmax(logits).cumsum(axis=1) < generator.random((n, 1))).sum(axis=1)
    return logits * temperature, labels


def log_loss(logits, labels, weights=None):
    logs = np.log(scipy_softmax(logits, axis=1))[np.arange(len(labels)), labels]
    return -np.average(logs, weights=weights)


# ---- softmax and temperature ----


def test_softmax_agrees_with_scipy_and_leaves_its_input_alone():
    logits = np.random.default_rng(0).normal(0, 30, (5, 10))
    kept = logits.copy()
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(logits, kept)


def test_pooled_logits_have_the_mean_of_the_members_probabilities():
    members = np.random.default_rng(0).normal(scale=5, size=(3, 7, 4)).astype(np.float32)
    before = members.copy()
    pooled = pool_logits(members)
    np.testing.assert_allclose(softmax(pooled), np.mean([softmax(each) for each in members], axis=0), rtol=1e-12)
    np.testing.assert_allclose(np.exp(pooled).sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(members, before)


def test_the_logits_of_one_member_stay_as_they_are():
    np.testing.assert_array_equal(pool_logits([[[1.0, 3.0]]]), [[1.0, 3.0]])


def test_pooling_holds_for_large_logits():
    pooled = pool_logits([[[1e5, 0.0]], [[-1e5, 0.0]]])
    np.testing.assert_allclose(softmax(pooled), [[0.5, 0.5]])


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 2.5, 40.0])
def test_the_temperature_that_was_built_in_is_found(temperature):
    logits, labels = make_logits(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0])
def test_no_other_temperature_has_a_smaller_loss(scale):
    logits, labels = make_logits(scale, n=300, seed=1)
    best = minimize_scalar(lambda u: log_loss(logits / math.exp(u), labels), bounds=(-4, 4), method="bounded")
    found = fit_temperature(logits, labels)
    assert log_loss(logits / found, labels) <= best.fun + 1e-12
    assert math.log(found) == pytest.approx(best.x, abs=1e-3)


def test_labels_that_no_logit_tells_of_get_the_highest_temperature():
    assert fit_temperature([[3.0, 0.0], [3.0, 0.0]], [1, 1]) == 100.0


def test_samples_that_are_all_right_get_the_lowest_temperature():
    assert fit_temperature([[3.0, 0.0], [0.0, 1.0]], [0, 1]) == 0.01


def test_huge_logits_do_not_overflow():
    logits, labels = make_logits(1.0, n=500)
    assert fit_temperature(logits * 30 + 1e5, labels) == pytest.approx(30 * fit_temperature(logits, labels), rel=1e-4)


def test_weight_equals_repetition():
    logits, labels = make_logits(2.0, n=200)
    weights = np.random.default_rng(3).integers(0, 4, 200)
    weights[0] = 1
    repeated = fit_temperature(np.repeat(logits, weights, axis=0), np.repeat(labels, weights))
    assert fit_temperature(logits, labels, sample_weight=weights) == pytest.approx(repeated, rel=1e-6)


@pytest.mark.parametrize("weights", [[1.0], [-1.0, 2.0], [0.0, 0.0], [np.nan, 1.0]])
def test_wrong_weights_are_refused(weights):
    with pytest.raises(InputError, match="sample_weight must be 2 finite numbers"):
        fit_temperature([[1.0, 0.0], [0.0, 1.0]], [0, 0], sample_weight=weights)


@pytest.mark.parametrize(
    ("logits", "labels", "match"),
    [
        ([1.0, 2.0], [0, 1], r"shape \(n, n_classes\) and labels shape \(n,\), got \(2,\)"),
        ([[1.0, 2.0]], [0, 1], r"got \(1, 2\) and \(2,\)"),
        (np.zeros((0, 3)), [], "got \\(0, 3\\)"),
        ([[1.0, np.nan]], [0], "finite"),
        ([[1.0, 2.0]], [2], "integers from 0 to 1, got int64 2 to 2"),
        ([[1.0, 2.0]], [-1], "got int64 -1 to -1"),
        ([[1.0, 2.0]], [0.0], "got float64"),
    ],
)
def test_logits_and_labels_that_do_not_fit_are_refused(logits, labels, match):
    with pytest.raises(InputError, match=match) as caught:
        fit_temperature(logits, labels)
    assert "\n" not in str(caught.value)


# ---- expected calibration error ----


def test_calibration_error_of_two_bins_by_hand():
    probabilities = [[0.95, 0.05]] * 10 + [[0.4, 0.6]] * 5
    labels = [0] * 8 + [1] * 2 + [1] * 4 + [0]
    assert expected_calibration_error(probabilities, labels) == pytest.approx((10 * 0.15 + 5 * 0.2) / 15)


def test_a_calibrated_classifier_has_little_of_it_and_an_overconfident_one_much():
    logits, labels = make_logits(3.0, n=20_000)
    assert expected_calibration_error(softmax(logits / 3.0), labels) < 0.015
    assert expected_calibration_error(softmax(logits), labels) > 0.2


def test_bins_are_closed_above_so_that_certainty_has_a_bin():
    # 0.5 belongs to the lower of two bins, together with 0.2 less it would not.
    assert expected_calibration_error([[0.5, 0.5], [0.0, 1.0]], [1, 1], n_bins=2) == pytest.approx(0.25)
    assert expected_calibration_error([[1.0, 0.0]] * 4, [0] * 3 + [1]) == pytest.approx(0.25)


def test_bins_of_equal_numbers_follow_the_order_of_confidence():
    top = np.array([0.9, 0.8, 0.7, 0.6])
    probabilities = np.c_[top, 1 - top]
    # The two surest are right, the others wrong: |0.85 - 1| and |0.65 - 0| by halves.
    error = expected_calibration_error(probabilities, [0, 0, 1, 1], n_bins=2, strategy="quantile")
    assert error == pytest.approx((0.15 + 0.65) / 2)


@pytest.mark.parametrize(("options", "match"), [({"n_bins": 0}, "n_bins"), ({"strategy": "kmeans"}, "uniform")])
def test_unknown_bins_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        expected_calibration_error([[0.5, 0.5]], [0], **options)


# ---- rejection threshold ----


def draw_samples(generator, n, *, slope, worst, saturated=0.0):
    """Draw samples whose error probability falls with confidence; the surest share of them says 1.0."""
    confidences = generator.random(n)
    correct = generator.random(n) >= worst * (1 - confidences) ** slope
    return np.where(confidences > 1 - saturated, 1.0, confidences), correct


def true_risk(threshold, *, slope, worst, saturated=0.0):
    accepted = max(1 - threshold, saturated)
    return worst * accepted**slope / (slope + 1)


@pytest.mark.parametrize(
    ("n", "risk", "model"),
    [
        (500, 0.05, {"slope": 2.0, "worst": 0.9}),
        (4000, 0.002, {"slope": 6.0, "worst": 0.3}),
        (4000, 0.02, {"slope": 2.0, "worst": 0.3, "saturated": 0.3}),
        (20_000, 0.01, {"slope": 2.0, "worst": 0.3}),
    ],
)
def test_the_stated_risk_is_kept_as_often_as_stated(n, risk, model):
    generator = np.random.default_rng(0)
    n_trials, n_found, n_broken = 300, 0, 0
    for _ in range(n_trials):
        try:
            threshold = rejection_threshold(*draw_samples(generator, n, **model), risk=risk, confidence=0.9)
        except InputError:
            continue
        n_found += 1
        n_broken += true_risk(threshold, **model) > risk
    assert n_broken <= 0.1 * n_trials + 3 * math.sqrt(0.09 * n_trials)
    assert n_found > n_trials / 3


def test_a_classifier_that_is_just_too_bad_at_every_threshold_rarely_passes():
    # The worst case: errors do not depend on confidence, and every threshold tried is a chance to be lucky.
    generator = np.random.default_rng(1)
    n_passed = 0
    for _ in range(400):
        try:
            rejection_threshold(*draw_samples(generator, 3000, slope=0.0, worst=0.0201), risk=0.02, confidence=0.9)
            n_passed += 1
        except InputError:
            pass
    assert n_passed <= 40 + 3 * 6


def test_more_samples_accept_more_of_what_the_risk_allows():
    model = {"slope": 6.0, "worst": 0.3}
    generator = np.random.default_rng(2)
    few, many = (
        rejection_threshold(*draw_samples(generator, n, **model), risk=0.002, confidence=0.9) for n in (4000, 200_000)
    )
    best = 1 - (0.002 * 7 / 0.3) ** (1 / 6)
    assert best < many < few
    assert many < best + 0.1


def test_samples_without_error_reach_exactly_what_the_formula_says():
    n = 400
    least = 1 - 0.05 ** (1 / n)
    confidences, correct = np.linspace(0.5, 1, n), np.ones(n, bool)
    assert rejection_threshold(confidences, correct, risk=least) == 0.5
    with pytest.raises(
        InputError, match=r"risk 0\.0074 can't be reached .* 400 samples, 0 of them wrong; the least is"
    ):
        rejection_threshold(confidences, correct, risk=0.0074)
    assert least > 0.0074


def test_the_least_risk_that_is_named_can_be_reached():
    confidences, correct = draw_samples(np.random.default_rng(3), 500, slope=2.0, worst=0.5)
    with pytest.raises(InputError, match="the least is") as caught:
        rejection_threshold(confidences, correct)
    least = float(str(caught.value).split("the least is ")[1].split(". ")[0])
    assert 3 / 500 < least < 0.2
    assert rejection_threshold(confidences, correct, risk=least) <= 1.0
    assert "\n" not in str(caught.value)


def test_what_is_accepted_passes_the_exact_bound():
    confidences, correct = draw_samples(np.random.default_rng(4), 5000, slope=4.0, worst=0.4)
    accepted = confidences >= rejection_threshold(confidences, correct, risk=0.02)
    k, n = int((~correct & accepted).sum()), int(accepted.sum())
    assert beta.ppf(0.95, k + 1, n - k) <= 0.02


def test_equal_confidences_are_accepted_or_rejected_together():
    confidences = np.repeat([1.0, 0.9], [600, 400])
    correct = np.r_[np.ones(600, bool), np.zeros(400, bool)]
    assert rejection_threshold(confidences, correct, risk=0.02) == 1.0
    with pytest.raises(InputError, match="can't be reached"):
        rejection_threshold(np.full(1000, 0.9), correct, risk=0.02)


def test_the_order_of_samples_does_not_matter():
    confidences, correct = draw_samples(np.random.default_rng(5), 2000, slope=4.0, worst=0.3)
    order = np.random.default_rng(6).permutation(2000)
    first = rejection_threshold(confidences, correct, risk=0.02)
    assert rejection_threshold(confidences[order], correct[order].astype(int), risk=0.02) == first


@pytest.mark.parametrize(
    ("confidences", "correct", "options", "match"),
    [
        ([0.5], [True, False], {}, "one-dimensional and of one length"),
        ([], [], {}, "of one length >= 1"),
        ([np.nan], [True], {}, "finite"),
        ([0.5], [2], {}, "True or False"),
        ([0.5], ["yes"], {}, "True or False"),
        ([0.5], [True], {"risk": 0.0}, "risk must lie strictly"),
        ([0.5], [True], {"confidence": 95}, "confidence must lie strictly"),
    ],
)
def test_samples_and_numbers_that_make_no_sense_are_refused(confidences, correct, options, match):
    with pytest.raises(InputError, match=match):
        rejection_threshold(confidences, correct, **options)


# ---- scikit-learn's own calibrators ----


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("wrap", [lambda clf, X, y: FrozenEstimator(clf.fit(X, y)), lambda clf, X, y: clf])  # noqa: ARG005
def test_scikit_learns_calibrators_take_the_classifier(wrap, method):
    X, y = load_digits(n_class=4, return_X_y=True)
    classifier = wrap(DigitClassifier(model="mlp", max_epochs=60, random_state=0), X[:300], y[:300])
    calibrated = CalibratedClassifierCV(classifier, method=method, cv=2).fit(X[300:550], y[300:550])
    probabilities = calibrated.predict_proba(X[550:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (calibrated.predict(X[550:]) == y[550:]).mean() > 0.9
