"""Tests of jaxdigits.plotting.predictions."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from scipy import sparse

from jaxdigits.errors import InputError
from jaxdigits.plotting import PredictionsDisplay
from jaxdigits.plotting.style import VERMILION

IMAGES = np.arange(4)[:, None, None] + np.zeros((4, 6, 6))
Y_TRUE = ["four", "nine", "four", "nine"]
Y_PRED = ["four", "four", "nine", "nine"]


def titles(display):
    return [tile.get_title().splitlines() for tile in display.axes_]


def test_each_tile_tells_what_was_read_and_what_it_is():
    display = PredictionsDisplay.from_predictions(IMAGES, Y_TRUE, Y_PRED, probabilities=[0.9, 0.6, 0.75, 1.0])
    assert titles(display) == [
        ["read as four, 90.0 %", "right"],
        ["read as four, 60.0 %", "is a nine"],
        ["read as nine, 75.0 %", "is a four"],
        ["read as nine, 100 %", "right"],
    ]
    for image, tile in zip(IMAGES, display.axes_, strict=True):
        np.testing.assert_array_equal(tile.get_images()[0].get_array(), image)


def test_what_was_misread_has_another_color_and_a_heavy_frame():
    display = PredictionsDisplay.from_predictions(IMAGES, Y_TRUE, Y_PRED)
    marked = [same_color(tile.title.get_color(), VERMILION) for tile in display.axes_]
    heavy = [tile.spines["left"].get_linewidth() > 2 for tile in display.axes_]
    assert marked == heavy == [False, True, True, False]


def test_the_first_ones_are_shown_and_all_are_counted():
    display = PredictionsDisplay.from_predictions(IMAGES, Y_TRUE, Y_PRED, n_digits=3)
    assert len(display.axes_) == 3
    assert display.ax_.get_title() == "The first 3 of 4 digits; of all 50.0 % read right"
    assert PredictionsDisplay.from_predictions(IMAGES, Y_TRUE, Y_PRED).ax_.get_title() == "4 digits, 50.0 % read right"


def test_any_classifier_with_probabilities_will_do():
    shares = np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9], [0.2, 0.8]])
    estimator = SimpleNamespace(classes_=["four", "nine"], predict_proba=lambda X: shares[: X.shape[0]])
    display = PredictionsDisplay.from_estimator(estimator, sparse.csr_matrix(IMAGES.reshape(4, 36)), Y_TRUE)
    assert display.y_pred.tolist() == Y_PRED
    assert display.probabilities.tolist() == [0.7, 0.6, 0.9, 0.8]
    features = PredictionsDisplay.from_estimator(estimator, np.zeros((4, 5)), Y_TRUE, images=IMAGES)
    assert features.images.shape == (4, 6, 6)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((IMAGES, Y_TRUE[:1], Y_PRED), {}, "got 4 images, 1 labels, 4 predictions and no probabilities"),
        ((IMAGES, Y_TRUE, Y_PRED), {"probabilities": [0.5]}, "and 1 probabilities"),
        ((IMAGES[:0], [], []), {}, "got 0 images"),
        ((IMAGES, Y_TRUE, Y_PRED), {"n_digits": 0}, "n_digits must be an int >= 1"),
        ((np.zeros((4, 37)), Y_TRUE, Y_PRED), {}, "Give image_shape"),
    ],
)
def test_what_does_not_belong_together_is_refused(arguments, options, words):
    with pytest.raises(InputError, match=words):
        PredictionsDisplay.from_predictions(*arguments, **options)


def test_given_axes_are_divided():
    figure, ax = plt.subplots()
    display = PredictionsDisplay.from_predictions(IMAGES, Y_TRUE, Y_PRED, ax=ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert list(ax.child_axes) == display.axes_


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_predictions_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(figsize=(7, 6))[1]
        first = slice(285, None)
        display = PredictionsDisplay.from_predictions(
            reading.X[first],
            reading.y[first],
            reading.predictions[first],
            probabilities=reading.probabilities[first],
            ax=ax,
        )
        return display.figure_
