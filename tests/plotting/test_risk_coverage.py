"""Tests of jaxdigits.plotting.risk_coverage."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from jaxdigits.errors import InputError
from jaxdigits.plotting import RiskCoverageDisplay

SHARES = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
Y = [1, 0, 1, 1]  # the one of 0.6 at the first place is wrong


def make_display(**options):
    return RiskCoverageDisplay.from_predictions(Y, SHARES, [0, 1], **options)


def test_the_surest_are_answered_first_and_equally_sure_ones_together():
    display = make_display()
    np.testing.assert_allclose(display.coverage, [0.25, 0.5, 1.0])
    np.testing.assert_allclose(display.risk, [0.0, 0.0, 0.25])
    np.testing.assert_allclose(display.thresholds, [0.9, 0.8, 0.6])
    assert display.line_.get_label() == "25.0 % wrong if all are answered"


@pytest.mark.parametrize(
    ("threshold", "place", "words"),
    [
        (0.8, (0.5, 0.0), "50.0 % answered, 0 % of them wrong"),
        (0.5, (1.0, 0.25), "100 % answered, 25.0 % of them wrong"),
        (0.95, (0.0, 0.0), "no answers"),
    ],
)
def test_a_threshold_is_marked_and_told(threshold, place, words):
    display = make_display(threshold=threshold)
    assert display.point_.get_xydata().tolist() == [list(place)]
    assert display.point_.get_label().endswith(words)


def test_without_a_threshold_nothing_is_marked():
    assert make_display().point_ is None


def test_any_classifier_will_do_and_an_unknown_label_counts_as_wrong():
    estimator = SimpleNamespace(classes_=[0, 1], predict_proba=lambda _: SHARES)
    display = RiskCoverageDisplay.from_estimator(estimator, None, [1, 7, 1, 1], name="guess")
    np.testing.assert_allclose(display.risk, [1.0, 0.5, 0.5])
    assert display.line_.get_label().startswith("guess: ")


def test_a_sure_mistake_does_not_take_the_scale():
    shares = np.c_[np.linspace(0.5, 0.999, 200), 1 - np.linspace(0.5, 0.999, 200)]
    labels = np.r_[np.ones(10), np.zeros(189), 1]  # the surest is wrong
    display = RiskCoverageDisplay.from_predictions(labels, shares, [0, 1])
    assert display.risk[0] == 1.0
    assert display.ax_.get_ylim()[1] < 0.1


def test_a_second_curve_is_laid_over_the_first():
    first = make_display(name="one")
    second = make_display(name="two", ax=first.ax_)
    assert second.line_.get_color() != first.line_.get_color()
    assert second.line_.get_linestyle() != first.line_.get_linestyle()
    assert second.figure_ is first.figure_


def test_lengths_that_do_not_match_are_refused():
    with pytest.raises(InputError, match=r"\(n_samples, n_classes\) = \(1, 2\)"):
        RiskCoverageDisplay.from_predictions([1], SHARES, [0, 1])


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_risk_coverage_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots()[1]
        display = RiskCoverageDisplay.from_predictions(
            reading.y, reading.probabilities, range(10), threshold=0.8, ax=ax
        )
        return display.figure_
