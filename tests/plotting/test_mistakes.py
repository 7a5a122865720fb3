"""Tests of jaxdigits.plotting.mistakes."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from jaxdigits.errors import InputError
from jaxdigits.plotting import MistakesDisplay

CLASSES = ["four", "nine"]
Y_TRUE = ["four", "nine", "four", "nine"]
# Right; wrong, 60 % sure; wrong, 90 % sure; right.
PROBABILITIES = np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9], [0.2, 0.8]])
IMAGES = np.arange(4)[:, None, None] + np.zeros((4, 6, 6))


def make_display(images=IMAGES, **options):
    return MistakesDisplay.from_predictions(images, Y_TRUE, PROBABILITIES, CLASSES, **options)


def test_mistakes_are_sorted_by_how_sure_the_model_was():
    display = make_display()
    assert display.y_true.tolist() == ["four", "nine"]
    assert display.y_pred.tolist() == ["nine", "four"]
    assert display.probabilities.tolist() == [0.9, 0.6]
    assert display.images[:, 0, 0].tolist() == [2, 1]


def test_each_tile_shows_picture_labels_and_probability():
    display = make_display()
    assert [tile.get_title() for tile in display.axes_] == [
        "four read as nine\n90.0 % sure",
        "nine read as four\n60.0 % sure",
    ]
    np.testing.assert_array_equal(display.axes_[1].get_images()[0].get_array(), IMAGES[1])
    assert display.ax_.get_title() == "2 mistakes in 4, the surest first"


def test_only_the_worst_are_shown_and_the_number_of_all_is_told():
    display = make_display(n_mistakes=1)
    assert len(display.axes_) == 1
    assert display.probabilities.tolist() == [0.9]
    assert display.ax_.get_title() == "2 mistakes in 4, the surest"


def test_twenty_are_shown_unless_told_otherwise():
    n = 30
    display = MistakesDisplay.from_predictions(np.zeros((n, 4, 4)), [1] * n, np.tile([0.9, 0.1], (n, 1)), [0, 1])
    assert len(display.axes_) == 20
    display.figure_.canvas.draw()


def test_no_mistakes_at_all_is_said_in_words():
    display = MistakesDisplay.from_predictions(IMAGES[:2], ["four", "nine"], [[0.9, 0.1], [0.2, 0.8]], CLASSES)
    assert display.axes_ == []
    assert [text.get_text() for text in display.ax_.texts] == ["No mistakes: all 2 right"]
    display.figure_.canvas.draw()


@pytest.mark.parametrize(
    "images",
    [
        IMAGES[..., None],
        IMAGES.reshape(4, 36),
        IMAGES.reshape(4, 36).tolist(),
        sparse.csr_matrix(IMAGES.reshape(4, 36)),
        pd.DataFrame(IMAGES.reshape(4, 36)),
    ],
    ids=["channel", "flat", "list", "sparse", "frame"],
)
def test_pictures_of_any_layout_are_the_same_pictures(images):
    np.testing.assert_array_equal(make_display(images).images, IMAGES[[2, 1]])


def test_flat_pictures_that_are_not_square_take_their_shape_from_the_caller():
    assert make_display(IMAGES.reshape(4, 36), image_shape=(4, 9)).images.shape == (2, 4, 9)


@pytest.mark.parametrize("options", [{}, {"image_shape": (5, 5)}])
def test_rows_that_are_no_pictures_are_refused(options):
    with pytest.raises(InputError, match="Give image_shape"):
        make_display(np.zeros((4, 37)), **options)


def test_lengths_that_do_not_match_are_refused():
    with pytest.raises(InputError, match="got 3 images, 4 labels"):
        make_display(IMAGES[:3])


def test_n_mistakes_below_one_is_refused():
    with pytest.raises(InputError, match="got 0"):
        make_display(n_mistakes=0)


def test_from_estimator_works_with_any_classifier():
    X, y = load_digits(return_X_y=True)
    classifier = GaussianNB().fit(X, y)
    display = MistakesDisplay.from_estimator(classifier, X, y, n_mistakes=7)
    assert display.images.shape == (7, 8, 8)
    assert (display.y_true != display.y_pred).all()
    assert (np.diff(display.probabilities) <= 0).all()
    assert display.n_wrong == (classifier.predict(X) != y).sum()


def test_from_estimator_shows_other_pictures_than_it_reads():
    estimator = SimpleNamespace(classes_=np.array([0, 1]), predict_proba=lambda X: np.tile([0.8, 0.2], (len(X), 1)))
    display = MistakesDisplay.from_estimator(estimator, np.zeros((2, 5)), [1, 1], images=np.ones((2, 3, 4)))
    np.testing.assert_array_equal(display.images, np.ones((2, 3, 4)))


def test_given_axes_are_divided():
    figure, ax = plt.subplots()
    display = make_display(ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert list(ax.child_axes) == display.axes_
    figure.canvas.draw()


def test_tiles_do_not_overlap_one_another():
    n = 20
    display = MistakesDisplay.from_predictions(np.zeros((n, 8, 8)), [1] * n, np.tile([0.9, 0.1], (n, 1)), [0, 1])
    display.figure_.canvas.draw()
    boxes = [tile.get_tightbbox() for tile in display.axes_]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(("style", "colors"), [("default", "gray_r"), ("dark_background", "gray")])
def test_paper_has_the_color_of_the_background(style, colors):
    with plt.style.context(style):
        assert make_display().axes_[0].get_images()[0].get_cmap().name == colors


def test_a_long_label_is_shortened():
    display = MistakesDisplay.from_predictions(IMAGES[:1], ["x" * 40], [[0.9, 0.1]], ["a", "x" * 40])
    assert display.axes_[0].get_title().startswith("xxxxxxxxx\N{HORIZONTAL ELLIPSIS} read as a")


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_mistakes_looks_as_it_did(style, reading):
    with plt.style.context(style):
        ax = plt.subplots(figsize=(7, 4.5))[1]
        return MistakesDisplay.from_predictions(
            reading.X, reading.y, reading.probabilities, range(10), n_mistakes=10, ax=ax
        ).figure_
