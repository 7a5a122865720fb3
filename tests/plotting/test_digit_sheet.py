"""Tests of jaxdigits.plotting.digit_sheet."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from jaxdigits.errors import InputError
from jaxdigits.plotting import DigitSheetDisplay
from jaxdigits.plotting.style import VERMILION

IMAGES = np.arange(12)[:, None, None] + np.zeros((12, 6, 6))


def titles(display):
    return [tile.get_title() for tile in display.axes_]


def test_each_tile_shows_its_picture_and_its_label():
    display = DigitSheetDisplay.from_samples(IMAGES, [7] * 12)
    assert titles(display) == ["7"] * 12
    for image, tile in zip(IMAGES, display.axes_, strict=True):
        np.testing.assert_array_equal(tile.get_images()[0].get_array(), image)
    assert display.ax_.get_title() == "12 digits"


def test_as_many_of_each_class_are_taken_from_all_over_the_set():
    y = np.repeat([3, 1], [1000, 50])
    images = np.arange(1050)[:, None, None] + np.zeros((1050, 2, 2))
    display = DigitSheetDisplay.from_samples(images, y, n_digits=6)
    assert display.labels.tolist() == [1, 1, 1, 3, 3, 3]
    assert display.images[:, 0, 0].tolist() == [1000, 1024, 1049, 0, 500, 999]
    assert display.ax_.get_title() == "6 of 1,050 digits"


def test_a_class_with_few_samples_shows_them_all():
    display = DigitSheetDisplay.from_samples(IMAGES, [0] * 11 + [1], n_digits=8)
    assert display.labels.tolist() == [0, 0, 0, 0, 1]


def test_without_labels_there_are_no_titles():
    display = DigitSheetDisplay.from_samples(IMAGES, n_digits=3)
    assert titles(display) == ["", "", ""]
    assert display.images[:, 0, 0].tolist() == [0, 6, 11]


def test_what_was_misread_is_told_in_another_color():
    display = DigitSheetDisplay.from_predictions(IMAGES[:3], [4, 4, 9], [4, 9, 9])
    assert titles(display) == ["4", "4 read as 9", "9"]
    marked = [same_color(tile.title.get_color(), VERMILION) for tile in display.axes_]
    assert marked == [False, True, False]
    assert display.ax_.get_title() == "3 digits, 2 of these read right"


def test_any_classifier_can_read_the_sheet():
    X, y = load_digits(return_X_y=True)
    classifier = GaussianNB().fit(X, y)
    display = DigitSheetDisplay.from_estimator(classifier, X, y, n_digits=40)
    np.testing.assert_array_equal(classifier.predict(display.images.reshape(40, -1)), display.predictions)
    assert display.images.shape == (40, 8, 8)


@pytest.mark.parametrize(
    ("images", "y", "options", "words"),
    [
        (IMAGES, [1], {}, "got 12 images and 1 labels"),
        (IMAGES[:0], None, {}, "not empty"),
        (IMAGES, None, {"n_digits": 0}, "got 0"),
        (np.zeros((3, 37)), None, {}, "Give image_shape"),
    ],
)
def test_what_makes_no_sheet_is_refused(images, y, options, words):
    with pytest.raises(InputError, match=words):
        DigitSheetDisplay.from_samples(images, y, **options)


def test_titles_fit_into_their_columns():
    n = 20
    display = DigitSheetDisplay.from_predictions(
        IMAGES.repeat(2, axis=0)[:n], ["seventy-seven"] * n, ["forty-four"] * n
    )
    renderer = display.figure_.canvas.get_renderer()
    display.figure_.canvas.draw()
    boxes = [tile.title.get_window_extent(renderer) for tile in display.axes_[:10]]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_given_axes_are_divided():
    figure, ax = plt.subplots()
    display = DigitSheetDisplay.from_samples(IMAGES, ax=ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert list(ax.child_axes) == display.axes_


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_digit_sheet_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(figsize=(7, 6))[1]
        return DigitSheetDisplay.from_predictions(reading.X, reading.y, reading.predictions, n_digits=50, ax=ax).figure_
