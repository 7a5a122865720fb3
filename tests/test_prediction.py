"""What a fitted classifier says, and how sure it may be; whole fits are tested in test_estimator."""

import numpy as np
import pytest
import sklearn.exceptions
from scipy import sparse
from sklearn.datasets import load_digits

import jaxdigits.prediction
from jaxdigits import DigitClassifier
from jaxdigits.calibration import expected_calibration_error, fit_temperature, rejection_threshold
from jaxdigits.errors import InputError

DIGITS, LABELS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(LABELS))
X, X_rest, X_test = np.split(DIGITS[ORDER], [300, 1000])
y, y_rest, y_test = np.split(LABELS[ORDER], [300, 1000])
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def make_fitted(**changes):
    settings = {"model": "mlp", "hidden_sizes": (32,), "learning_rate": 0.02, "max_epochs": 8, "random_state": 0}
    return DigitClassifier(**settings | changes).fit(X, WORDS[y])


@pytest.fixture(scope="module")
def fitted():
    """One network that tests only read."""
    return make_fitted()


@pytest.fixture
def clf(fitted):
    """Make a copy to calibrate."""
    copy = DigitClassifier(**fitted.get_params())
    copy.__dict__.update(vars(fitted))
    return copy


def error_of(clf, X, y):
    return expected_calibration_error(clf.predict_proba(X), np.searchsorted(clf.classes_, y))


def test_large_sparse_input_is_made_dense_by_the_block(fitted, monkeypatch):
    monkeypatch.setattr(jaxdigits.prediction, "SPARSE_BLOCK", 64)
    expected = fitted.predict_proba(X_test)
    np.testing.assert_array_equal(fitted.predict_proba(sparse.csr_matrix(X_test)), expected)


@pytest.mark.parametrize("temperature", [1.0, 0.25, 3.0])
def test_probabilities_logarithms_and_decisions_agree_at_any_temperature(clf, temperature):
    logits = clf.decision_function(X_test)
    predictions = clf.predict(X_test)
    clf.temperature_ = temperature
    decision, probabilities = clf.decision_function(X_test), clf.predict_proba(X_test)
    assert probabilities.dtype == decision.dtype == np.float64
    np.testing.assert_allclose(decision, logits / temperature)
    exponentials = np.exp(decision - decision.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(clf.predict_log_proba(X_test), np.log(probabilities))
    np.testing.assert_array_equal(clf.predict(X_test), predictions)
    np.testing.assert_array_equal(clf.classes_[probabilities.argmax(axis=1)], predictions)


def test_two_classes_keep_their_border_at_any_temperature():
    two = y < 2
    clf = DigitClassifier("linear", max_epochs=2, random_state=0).fit(X[two], y[two])
    clf.temperature_ = 2.0
    decision = clf.decision_function(X_test)
    np.testing.assert_allclose(clf.predict_proba(X_test)[:, 1], 1 / (1 + np.exp(-decision)))
    np.testing.assert_array_equal(clf.predict(X_test), (decision > 0).astype(int))


def test_predicting_changes_nothing(clf):
    before = dict(vars(clf))
    for method in METHODS:
        getattr(clf, method)(X_test)
    assert vars(clf).keys() == before.keys()
    assert all(vars(clf)[name] is value for name, value in before.items())
    with pytest.raises(ValueError, match="read-only"):
        clf.params_["layers.1.kernel"][0, 0] = 1.0


def test_a_row_has_the_same_bits_alone_and_among_others_after_calibration(clf):
    clf.calibrate(X_rest, WORDS[y_rest])
    together = clf.predict_proba(X_test[:5])
    np.testing.assert_array_equal(np.concatenate([clf.predict_proba(row[None]) for row in X_test[:5]]), together)


# ---- calibration ----


def test_a_fresh_fit_has_a_temperature_of_one(fitted):
    assert fitted.temperature_ == 1.0
    assert isinstance(fitted.temperature_, float)


@pytest.mark.parametrize("factor", [0.2, 8.0])
def test_calibration_mends_a_network_that_is_too_sure_or_not_sure_enough(clf, factor):
    """Its last layer is blown up, which moves no prediction."""
    clf.params_ = {
        name: array * np.float32(factor if name.startswith("layers.4") else 1.0) for name, array in clf.params_.items()
    }
    before, predictions = error_of(clf, X_test, WORDS[y_test]), clf.predict(X_test)
    assert clf.calibrate(X_rest, WORDS[y_rest]) is clf
    assert error_of(clf, X_test, WORDS[y_test]) < 0.5 * before
    np.testing.assert_array_equal(clf.predict(X_test), predictions)
    assert (clf.temperature_ > 1) == (factor > 1)


def test_the_temperature_is_that_of_the_logits_whatever_it_was_before(clf):
    expected = fit_temperature(clf.decision_function(X_rest), np.searchsorted(clf.classes_, WORDS[y_rest]))
    assert clf.calibrate(X_rest, WORDS[y_rest]).temperature_ == pytest.approx(expected)
    assert clf.calibrate(X_rest, WORDS[y_rest]).temperature_ == pytest.approx(expected)
    assert isinstance(clf.temperature_, float)


def test_samples_count_by_their_weight(clf):
    some = y_rest % 2 == 0
    alone = clf.calibrate(X_rest[some], WORDS[y_rest[some]]).temperature_
    assert clf.calibrate(X_rest, WORDS[y_rest]).temperature_ != pytest.approx(alone)
    assert clf.calibrate(X_rest, WORDS[y_rest], sample_weight=some).temperature_ == pytest.approx(alone)


def test_another_fit_forgets_the_calibration():
    clf = make_fitted(max_epochs=1, warm_start=True).calibrate(X_rest, WORDS[y_rest])
    assert clf.temperature_ != 1.0
    assert clf.fit(X, WORDS[y]).temperature_ == 1.0
    assert clf.calibrate(X_rest, WORDS[y_rest]).partial_fit(X, WORDS[y]).temperature_ == 1.0


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((X_rest, WORDS[y_rest][:-1]), "inconsistent numbers of samples"),
        ((X_rest[:2], ["one", "ten"]), r"y must hold known classes, .*, got \['ten'\]"),
        ((X_rest[:, :5], WORDS[y_rest]), "X has 5 features"),
        ((X_rest[:2], ["one", "two"], [0, 0]), r"[Ww]eights? must .*zero"),
    ],
)
def test_what_cannot_calibrate_is_refused_and_changes_nothing(clf, arguments, match):
    with pytest.raises(ValueError, match=match):
        clf.calibrate(*arguments)
    assert clf.temperature_ == 1.0


@pytest.mark.parametrize("method", ["calibrate", "rejection_threshold"])
def test_nothing_is_known_before_fit(method):
    with pytest.raises(sklearn.exceptions.NotFittedError):
        getattr(DigitClassifier(), method)(X, y)


# ---- rejection ----


def test_what_reaches_the_threshold_is_right_at_the_stated_risk(clf):
    clf.calibrate(X, WORDS[y])
    threshold = clf.rejection_threshold(X_rest, WORDS[y_rest], risk=0.03)
    probabilities = clf.predict_proba(X_rest)
    correct = clf.predict(X_rest) == WORDS[y_rest]
    assert threshold == rejection_threshold(probabilities.max(axis=1), correct, risk=0.03)
    accepted = clf.predict_proba(X_test).max(axis=1) >= threshold
    assert 0.5 < accepted.mean() < 1
    assert clf.score(X_test[accepted], WORDS[y_test][accepted]) > 0.96 > clf.score(X_test, WORDS[y_test])
    assert clf.rejection_threshold(X_rest, WORDS[y_rest], risk=0.03, confidence=0.5) < threshold


def test_labels_that_were_never_seen_count_as_wrong(fitted):
    strange = np.where(np.arange(700) % 20 == 0, "horse", WORDS[y_rest])
    plain = fitted.rejection_threshold(X_rest, WORDS[y_rest], risk=0.1)
    assert fitted.rejection_threshold(X_rest, strange, risk=0.1) > plain


def test_a_risk_out_of_reach_is_said(fitted):
    with pytest.raises(InputError, match=r"risk 0\.001 can't be reached"):
        fitted.rejection_threshold(X_rest, WORDS[y_rest])


def test_labels_of_another_kind_are_refused(fitted):
    with pytest.raises(InputError, match="y must hold known classes"):
        fitted.rejection_threshold(X_rest, y_rest.astype(str))


def test_saliency_says_what_speaks_for_a_class(fitted):
    maps = fitted.saliency(X_test[:5])
    assert maps.shape == (5, 8, 8)
    np.testing.assert_allclose(maps, fitted.saliency(X_test[:5].reshape(5, 8, 8), fitted.predict(X_test[:5])))
    pixel = np.unravel_index(np.abs(maps[0, 2:6, 2:6]).argmax(), (4, 4))
    row, column = pixel[0] + 2, pixel[1] + 2
    logs = []
    for sign in (1, -1):
        moved = X_test[:1].reshape(1, 8, 8).copy()
        moved[0, row, column] = np.clip(moved[0, row, column], 0.2, 15.8) + sign * 0.2
        logs.append(fitted.predict_log_proba(moved)[0, fitted.classes_ == fitted.predict(X_test[:1])[0]][0])
    # A step of 0.4 of the 16 levels from paper to ink.
    assert (logs[0] - logs[1]) * 16 / 0.4 == pytest.approx(maps[0, row, column], rel=0.5)


def test_saliency_of_another_class_can_be_asked_for(fitted):
    zero, nine = (fitted.saliency(X_test[:1], [name], method="occlusion") for name in ("zero", "nine"))
    assert not np.allclose(zero, nine)


@pytest.mark.parametrize(
    ("labels", "method", "words"),
    [(None, "lime", "method must be one of gradient, occlusion"), (["ten"], "gradient", "ten")],
)
def test_saliency_refuses_what_it_does_not_know(fitted, labels, method, words):
    with pytest.raises(InputError, match=words):
        fitted.saliency(X_test[:1], labels, method=method)


def test_saliency_needs_pictures():
    rows = X[:, :37]
    table = DigitClassifier("linear", image_shape=None, max_epochs=1, random_state=0).fit(rows, y)
    with pytest.raises(InputError, match="got one of rows of 37 numbers"):
        table.saliency(rows[:1])
