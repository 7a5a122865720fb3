"""Tests of jaxdigits.plotting.annotated_page."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from jaxdigits.errors import InputError
from jaxdigits.plotting import AnnotatedPageDisplay
from jaxdigits.plotting.style import VERMILION

PAGE = np.full((60, 90), 255, np.uint8)
BOXES = [(10, 20, 30, 50), (50, 0, 70, 30)]


def make_display(**options):
    return AnnotatedPageDisplay(PAGE, BOXES, [4, 9], **options).plot()


def test_each_digit_has_its_box_and_its_label():
    display = make_display()
    assert [box.get_bbox().extents.tolist() for box in display.boxes_] == [list(box) for box in BOXES]
    assert [text.get_text() for text in display.texts_] == ["4", "9"]
    assert display.ax_.get_title() == "2 digits"


def test_unsure_digits_are_told_without_color():
    display = make_display(sure=[True, False], n_lines=2)
    assert [text.get_text() for text in display.texts_] == ["4", "9?"]
    assert [box.get_linestyle() for box in display.boxes_] == ["solid", "dashed"]
    assert display.boxes_[1].get_edgecolor() == to_rgba(VERMILION)
    assert display.ax_.get_title() == "2 digits in 2 lines, 1 not sure (dashed)"


def test_labels_stay_within_the_page():
    display = make_display()
    display.figure_.canvas.draw()
    frame = display.ax_.get_window_extent()
    for text in display.texts_:
        assert text.get_window_extent().y1 <= frame.y1 + 1


def test_boxes_are_in_pixels_of_the_full_picture_though_a_copy_is_drawn():
    display = make_display(size=(900, 600))
    assert display.ax_.get_xlim() == (0, 900)
    assert display.ax_.get_ylim() == (600, 0)


def test_from_reading_takes_any_object_with_the_attributes():
    digits = tuple(
        SimpleNamespace(box=box, label=label, sure=sure)
        for box, label, sure in zip(BOXES, (4, 9), (True, False), strict=True)
    )
    reading = SimpleNamespace(digits=digits, lines=(digits,), size=(90, 60))
    display = AnnotatedPageDisplay.from_reading(PAGE / 255.0, reading)
    assert (display.labels, display.sure, display.n_lines) == ([4, 9], [True, False], 1)
    assert len(display.boxes_) == 2


def test_a_page_without_digits_says_so():
    assert AnnotatedPageDisplay(PAGE, [], []).plot().ax_.get_title() == "No digits found"


@pytest.mark.parametrize("white", [np.ones((60, 90)), PAGE, np.full((60, 90, 3), 255, np.uint8)])
def test_white_is_white_in_every_type(white):
    display = AnnotatedPageDisplay(white, [], []).plot()
    image = display.ax_.get_images()[0]
    rgba = image.to_rgba(image.get_array())
    np.testing.assert_allclose(np.asarray(rgba)[0, 0], 255 if np.asarray(rgba).dtype == np.uint8 else 1.0)


@pytest.mark.parametrize("shape", [(20, 2000), (2000, 20)])
def test_strips_are_drawn_too(shape):
    display = AnnotatedPageDisplay(np.ones(shape), [(2, 2, 12, 12)], [7]).plot()
    display.figure_.canvas.draw()
    assert min(display.figure_.get_size_inches()) > 1


def test_given_axes_are_used():
    figure, ax = plt.subplots()
    display = AnnotatedPageDisplay(PAGE, BOXES, [4, 9]).plot(ax)
    assert (display.ax_, display.figure_) == (ax, figure)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros(5), [], []), "picture must have shape"),
        ((PAGE, BOXES, [4]), "got 2, 1 and 1"),
    ],
)
def test_what_does_not_belong_together_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        AnnotatedPageDisplay(*arguments)


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_annotated_page_looks_as_it_did(style):
    with plt.style.context(style):
        page = np.tile(np.linspace(200, 255, 90).astype(np.uint8), (60, 1))
        page[25:45, 15:25] = page[5:25, 55:65] = 40
        return AnnotatedPageDisplay(page, BOXES, [4, 9], sure=[True, False], n_lines=2).plot(plt.subplots()[1]).figure_
