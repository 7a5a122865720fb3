"""Tests of jaxdigits.plotting.reliability."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color

from jaxdigits.calibration import expected_calibration_error
from jaxdigits.errors import InputError
from jaxdigits.metrics import wilson_interval
from jaxdigits.plotting import ReliabilityDisplay
from jaxdigits.plotting.style import BLUE, VERMILION

# Ten samples of 90 % sureness, eight of them right; four of 60 %, all wrong.
SHARES = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 4)
Y = ["a"] * 8 + ["b"] * 2 + ["a"] * 4


def make_display(**options):
    return ReliabilityDisplay.from_predictions(Y, SHARES, ["a", "b"], **{"n_bins": 10} | options)


def test_bins_hold_how_sure_and_how_often_right():
    display = make_display()
    assert display.counts.tolist() == [0, 0, 0, 0, 0, 4, 0, 0, 10, 0]
    np.testing.assert_allclose(display.confidence[[5, 8]], [0.6, 0.9])
    np.testing.assert_allclose(display.accuracy[[5, 8]], [0.0, 0.8])
    assert np.isnan(display.accuracy[0])
    np.testing.assert_allclose(display.line_.get_xydata(), [[0.6, 0.0], [0.9, 0.8]])


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_error_told_is_that_of_the_bins_drawn(reading, strategy):
    display = ReliabilityDisplay.from_predictions(reading.y, reading.probabilities, range(10), strategy=strategy)
    filled = display.counts > 0
    gaps = np.abs(display.confidence - display.accuracy)[filled] @ display.counts[filled] / display.counts.sum()
    told = expected_calibration_error(reading.probabilities, reading.y, strategy=strategy)
    assert display.calibration_error == told == pytest.approx(gaps)
    words = [text.get_text() for text in display.ax_[0].get_legend().get_texts()]
    assert f"calibration error {100 * told:.2f} %" in words


def test_bars_are_wilsons_intervals():
    display = make_display()
    (bars,) = display.ax_[0].collections
    np.testing.assert_allclose(bars.get_segments()[1][:, 1], wilson_interval(8, 10))


def test_labels_are_matched_by_name_in_any_order_of_classes():
    swapped = ReliabilityDisplay.from_predictions(Y, SHARES[:, ::-1], ["b", "a"], n_bins=10)
    np.testing.assert_array_equal(swapped.accuracy, make_display().accuracy)


def test_any_classifier_with_probabilities_will_do():
    estimator = SimpleNamespace(classes_=["a", "b"], predict_proba=lambda _: SHARES)
    display = ReliabilityDisplay.from_estimator(estimator, None, Y, n_bins=10, name="guess")
    np.testing.assert_array_equal(display.counts, make_display().counts)
    assert display.line_.axes is display.ax_[0]
    assert "guess, calibration error" in display.ax_[0].get_legend().get_texts()[1].get_text()


def test_a_second_curve_is_laid_over_the_first():
    first = make_display(name="before")
    second = make_display(name="after", ax=first.ax_)
    assert same_color(first.line_.get_color(), BLUE)
    assert same_color(second.line_.get_color(), VERMILION)
    assert second.line_.get_marker() != first.line_.get_marker()
    assert len(second.ax_[0].get_legend().get_texts()) == 3


def test_one_axes_is_divided_into_two_panels():
    figure, ax = plt.subplots()
    display = make_display(ax=ax)
    assert display.figure_ is figure
    assert list(ax.child_axes) == list(display.ax_)
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_bins": 0}, "n_bins must be an int >= 1"),
        ({"strategy": "even"}, "strategy must be one of uniform, quantile"),
        ({"ax": [1, 2, 3]}, "got 3"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        make_display(**options)


def test_a_label_that_is_no_class_is_refused():
    with pytest.raises(InputError, match="labels among a, b, got c"):
        ReliabilityDisplay.from_predictions(["c"], [[0.5, 0.5]], ["a", "b"])


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_reliability_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(2, 1, figsize=(6, 6))[1]
        return ReliabilityDisplay.from_predictions(
            reading.y, reading.probabilities, range(10), n_bins=10, ax=ax
        ).figure_
