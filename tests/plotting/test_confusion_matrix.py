"""Tests of jaxdigits.plotting.confusion_matrix."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sklearn.metrics
from matplotlib.colors import to_rgb
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from jaxdigits.errors import InputError
from jaxdigits.plotting import ConfusionMatrixDisplay
from jaxdigits.plotting.style import ink_on

# 97 right; 4 is read as 9 three times, 9 as 4 once.
MATRIX = np.array([[50, 3], [1, 47]])


def distance(display, cell, other):
    """How far apart the colors of two cells are, in RGB."""
    colors = display.im_.to_rgba(display.im_.get_array())[..., :3]
    return float(np.abs(colors[cell] - colors[other]).max())


def test_it_is_scikit_learns_display():
    assert issubclass(ConfusionMatrixDisplay, sklearn.metrics.ConfusionMatrixDisplay)


def test_counts_and_labels_are_written():
    display = ConfusionMatrixDisplay(MATRIX, display_labels=["four", "nine"]).plot()
    assert [[text.get_text() for text in row] for row in display.text_] == [["50", "3"], ["1", "47"]]
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["four", "nine"]
    assert display.ax_.get_title() == "97 of 101 right (96.0 %)"


def test_the_color_scale_belongs_to_the_mistakes():
    matrix = np.array([[1000, 2, 0], [1, 980, 0], [0, 0, 990]])
    display = ConfusionMatrixDisplay(matrix).plot()
    assert display.im_.get_clim() == (0, 2)
    assert distance(display, (0, 1), (1, 0)) > 0.15  # two mistakes from one
    assert distance(display, (1, 0), (2, 0)) > 0.1  # one from none
    assert distance(display, (0, 0), (1, 1)) == 0.0  # the diagonal carries no scale


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_every_value_is_written_in_ink_that_reads_on_its_cell(style):
    with plt.style.context(style):
        display = ConfusionMatrixDisplay(np.array([[40, 9, 1], [4, 40, 0], [0, 2, 40]])).plot()
        cells = display.im_.to_rgba(display.im_.get_array())
        for cell, text in np.ndenumerate(display.text_):
            assert to_rgb(text.get_color()) == to_rgb(ink_on(cells[cell]))


def test_a_faultless_matrix_is_drawn():
    display = ConfusionMatrixDisplay(np.diag([5, 6, 7])).plot()
    assert display.ax_.get_title() == "18 of 18 right (100 %)"
    display.figure_.canvas.draw()


@pytest.mark.parametrize("matrix", [np.array([[7]]), np.zeros((2, 2), dtype=int)])
def test_degenerate_matrices_are_drawn(matrix):
    ConfusionMatrixDisplay(matrix).plot().figure_.canvas.draw()


def test_normalized_shares_are_written_with_two_digits_and_no_count_is_claimed():
    display = ConfusionMatrixDisplay.from_predictions([0, 0, 0, 1], [0, 0, 1, 1], normalize="true")
    assert [text.get_text() for text in display.text_.ravel()] == ["0.67", "0.33", "0", "1.00"]
    assert display.ax_.get_title() == ""


def test_from_estimator_needs_a_predict_method_only():
    estimator = SimpleNamespace(predict=lambda X: np.asarray(X)[:, 0])
    display = ConfusionMatrixDisplay.from_estimator(estimator, [["a"], ["b"], ["b"]], ["a", "a", "b"])
    assert display.confusion_matrix.tolist() == [[1, 1], [0, 1]]


def test_from_estimator_agrees_with_scikit_learn():
    X, y = load_digits(return_X_y=True)
    classifier = GaussianNB().fit(X, y)
    ours = ConfusionMatrixDisplay.from_estimator(classifier, X, y, labels=[3, 1, 8])
    theirs = sklearn.metrics.ConfusionMatrixDisplay.from_estimator(classifier, X, y, labels=[3, 1, 8])
    np.testing.assert_array_equal(ours.confusion_matrix, theirs.confusion_matrix)
    assert list(ours.display_labels) == list(theirs.display_labels)


def test_the_users_own_choices_win():
    figure, ax = plt.subplots()
    display = ConfusionMatrixDisplay(MATRIX).plot(
        ax=ax, cmap="Greys", colorbar=True, im_kw={"vmax": 10}, text_kw={"color": "green", "fontsize": 4}
    )
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert display.im_.get_clim() == (0, 10)
    assert display.im_.get_cmap().name == "Greys"
    assert display.text_[0, 0].get_color() == "green"
    assert display.text_[0, 0].get_fontsize() == 4
    assert [other.get_ylabel() for other in figure.axes if other is not ax] == ["mistakes"]


def test_values_can_be_left_out():
    assert ConfusionMatrixDisplay(MATRIX).plot(include_values=False).text_ is None


def test_values_fit_into_their_cells():
    matrix = np.random.default_rng(0).integers(0, 9999, size=(26, 26))
    display = ConfusionMatrixDisplay(matrix).plot()
    display.figure_.canvas.draw()
    cell = display.ax_.get_window_extent().width / 26
    assert max(text.get_window_extent().width for text in display.text_.ravel()) <= cell


def test_cells_with_mistakes_show_the_first_of_them(reading):
    display = ConfusionMatrixDisplay.from_predictions(reading.y, reading.predictions, images=reading.X)
    wrong = np.flatnonzero(reading.y != reading.predictions)
    cells = {(int(reading.y[row]), int(reading.predictions[row])) for row in wrong}
    assert set(display.thumbnails) == cells
    first = wrong[0]
    shown = display.thumbnails[int(reading.y[first]), int(reading.predictions[first])]
    np.testing.assert_array_equal(shown, reading.X[first])
    assert len(display.ax_.get_images()) == 1 + len(cells)


def test_a_thumbnail_stays_in_its_cell_beside_the_count():
    display = ConfusionMatrixDisplay(MATRIX, thumbnails={(0, 1): np.eye(8)}).plot()
    left, right, bottom, top = display.ax_.get_images()[1].get_extent()
    assert 0.5 < left < right < 1.5
    assert -0.5 < top < bottom < 0.5
    assert display.text_[0, 1].get_position() > (right, bottom)
    assert display.text_[0, 1].get_text() == "3"
    assert display.ax_.get_xlim() == (-0.5, 1.5)


def test_an_estimator_shows_its_own_mistakes_on_request():
    X = np.zeros((3, 16))
    estimator = SimpleNamespace(predict=lambda _: np.array(["a", "b", "b"]))
    y, images = ["a", "a", "b"], np.arange(3)[:, None, None] * np.ones((3, 5, 5))
    assert ConfusionMatrixDisplay.from_estimator(estimator, X, y).thumbnails is None
    assert ConfusionMatrixDisplay.from_estimator(estimator, X, y, thumbnails=True).thumbnails[0, 1].shape == (4, 4)
    shown = ConfusionMatrixDisplay.from_estimator(estimator, X, y, thumbnails=True, images=images)
    assert shown.thumbnails[0, 1][0, 0] == 1


def test_thumbnails_of_classes_that_are_not_listed_are_left_out(reading):
    display = ConfusionMatrixDisplay.from_predictions(reading.y, reading.predictions, labels=[8, 1], images=reading.X)
    assert set(display.thumbnails) <= {(0, 1), (1, 0)}


def test_no_mistakes_no_thumbnails():
    assert ConfusionMatrixDisplay.from_predictions([1, 2], [1, 2], images=np.zeros((2, 4, 4))).thumbnails == {}


def test_as_many_images_as_labels_are_asked_for():
    with pytest.raises(InputError, match="images must be 2, as many as labels, got 1"):
        ConfusionMatrixDisplay.from_predictions([1, 2], [2, 2], images=np.zeros((1, 4, 4)))


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_confusion_matrix_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(figsize=(6, 6))[1]
        return ConfusionMatrixDisplay.from_predictions(reading.y, reading.predictions, ax=ax).figure_


@pytest.mark.mpl_image_compare(savefig_kwargs={"dpi": 46})
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_thumbnails_look_as_they_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(figsize=(6, 6))[1]
        return ConfusionMatrixDisplay.from_predictions(reading.y, reading.predictions, images=reading.X, ax=ax).figure_
