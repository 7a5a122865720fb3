"""Tests of jaxdigits.plotting.saliency."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from jaxdigits.errors import InputError
from jaxdigits.plotting import SaliencyDisplay

IMAGES = np.kron(np.arange(3)[:, None, None], np.eye(6))
MAPS = np.linspace(-1, 0.5, 3 * 36).reshape(3, 6, 6)


class Reader:
    """Reads everything as 7, and says what it was asked."""

    def predict(self, X):
        return np.full(len(X), 7)

    def saliency(self, X, y, *, method):
        self.asked = (X.shape, y.tolist(), method)
        return np.ones((len(X), 6, 6))


def test_each_digit_has_its_picture_and_its_map():
    display = SaliencyDisplay(IMAGES, MAPS, labels=["a", "b", "c"]).plot()
    for index, (picture, values) in enumerate(display.axes_):
        np.testing.assert_array_equal(picture.get_images()[0].get_array(), IMAGES[index])
        np.testing.assert_array_equal(values.get_images()[0].get_array(), MAPS[index])
        assert picture.get_title() == "abc"[index]


def test_the_scale_is_even_on_both_sides_of_nothing():
    low, high = SaliencyDisplay(IMAGES, MAPS).plot().axes_[0][1].get_images()[0].get_clim()
    assert -low == high == np.quantile(np.abs(MAPS[0]), 0.99)


@pytest.mark.parametrize("method", ["gradient", "occlusion"])
def test_the_headline_says_what_the_colors_mean(method):
    words = SaliencyDisplay(IMAGES, MAPS, method=method).plot().ax_.get_title()
    assert words.startswith("blue: ")
    assert "vermilion: against it" in words


def test_the_estimator_is_asked_about_what_it_predicts_or_about_the_labels_given():
    reader = Reader()
    display = SaliencyDisplay.from_estimator(reader, IMAGES, n_digits=2)
    assert reader.asked == ((2, 36), [7, 7], "gradient")
    assert display.labels.tolist() == [7, 7]
    SaliencyDisplay.from_estimator(reader, IMAGES.reshape(3, 36), [1, 2, 3], method="occlusion")
    assert reader.asked == ((3, 36), [1, 2, 3], "occlusion")


@pytest.mark.parametrize(
    ("estimator", "X", "options", "words"),
    [
        (SimpleNamespace(), IMAGES, {}, "got SimpleNamespace. Give a DigitClassifier"),
        (Reader(), IMAGES, {"n_digits": 0}, "n_digits must be an int >= 1"),
        (Reader(), np.zeros((3, 37)), {}, "Give image_shape"),
        (Reader(), IMAGES[:0], {}, "one picture or more"),
    ],
    ids=["estimator", "n_digits", "rows", "nothing"],
)
def test_what_cannot_be_told_is_refused(estimator, X, options, words):
    with pytest.raises(InputError, match=words):
        SaliencyDisplay.from_estimator(estimator, X, **options)


def test_maps_of_another_shape_are_refused():
    with pytest.raises(InputError, match="one shape"):
        SaliencyDisplay(IMAGES, MAPS[:, :5])


def test_blank_pictures_and_maps_are_drawn():
    SaliencyDisplay(np.zeros((1, 6, 6)), np.zeros((1, 6, 6))).plot().figure_.canvas.draw()


def test_given_axes_are_divided():
    figure, ax = plt.subplots()
    display = SaliencyDisplay(IMAGES, MAPS, method="gradient").plot(ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert list(ax.child_axes) == [axes for pair in display.axes_ for axes in pair]


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_saliency_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(figsize=(7, 4))[1]
        maps = reading.X[:5] - reading.X[5:10]
        return SaliencyDisplay(reading.X[:5], maps, labels=reading.y[:5], method="occlusion").plot(ax).figure_
