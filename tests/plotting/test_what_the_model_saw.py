"""Tests of jaxdigits.plotting.what_the_model_saw."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from jaxdigits.errors import InputError
from jaxdigits.plotting import WhatTheModelSawDisplay

IMAGES = np.arange(2)[:, None, None] * np.ones((28, 28)) * 0.5
PROBABILITIES = np.array([[0.05, 0.7, 0.25], [np.nan] * 3])


def make_display(**options):
    pictures = [np.ones((60, 90)), np.full((20, 30, 3), 255, np.uint8)]
    return WhatTheModelSawDisplay(pictures, IMAGES, PROBABILITIES, **options).plot()


def test_each_row_shows_the_picture_the_image_and_the_bars():
    display = make_display(names=["photo.jpg", "blank.jpg"])
    picture, image, bars = display.axes_[0]
    assert picture.get_images()[0].get_array().shape == (60, 90)
    assert image.get_images()[0].get_array().shape == (28, 28)
    assert [bar.get_height() for bar in bars.patches] == [0.05, 0.7, 0.25]
    assert [axes.get_title() for axes in display.axes_[0]] == ["photo.jpg", "what the model saw", "1, 70.0 % sure"]


def test_the_class_that_was_chosen_is_told_without_color():
    bars = make_display(classes=["a", "b", "c"]).axes_[0][2]
    ticks = bars.get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["a", "b", "c"]
    assert [tick.get_fontweight() for tick in ticks] == ["normal", "bold", "normal"]
    assert {text.get_text() for text in bars.texts} == {"5.0 %", "25.0 %"}


def test_a_picture_that_was_not_read_has_no_bars():
    bars = make_display().axes_[1][2]
    assert bars.get_title() == "not read"
    assert all(bar.get_height() == 0 for bar in bars.patches)


def test_words_and_boxes_are_drawn_in_their_row():
    display = make_display(words=["off center, moved", ""], boxes=[None, (0.5, 0.0, 1.0, 1.0)])
    assert [text.get_text() for text in display.ax_.texts] == ["off center, moved"]
    assert not display.axes_[0][0].patches
    [box] = display.axes_[1][0].patches
    assert box.get_bbox().extents.tolist() == [14.5, -0.5, 29.5, 19.5]


def test_long_words_and_names_stay_in_their_place():
    display = make_display(words=["mended and " * 40] * 2, names=["folder/" * 20 + "photo.jpg"] * 2)
    display.figure_.canvas.draw()
    boxes = [axes.get_tightbbox() for row in display.axes_ for axes in row]
    boxes += [text.get_window_extent() for text in display.ax_.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert display.axes_[0][0].get_title().endswith("photo.jpg")


@pytest.mark.parametrize(("style", "colors"), [("default", "gray_r"), ("dark_background", "gray")])
def test_paper_has_the_color_of_the_background(style, colors):
    with plt.style.context(style):
        assert make_display().axes_[0][1].get_images()[0].get_cmap().name == colors


def test_from_reading_takes_the_first_digit_of_any_reading():
    mended = SimpleNamespace(describe=lambda: "thin strokes, thickened")
    digit = SimpleNamespace(image=IMAGES[1], probabilities=np.eye(10)[3], box=(9, 6, 45, 30), diagnosis=mended)
    reading = SimpleNamespace(digits=(digit,), size=(90, 60), diagnosis=mended)
    display = WhatTheModelSawDisplay.from_reading(np.ones((60, 90)), reading, name="three.png")
    assert (display.names, display.words) == (["three.png"], ["thin strokes, thickened"])
    assert display.boxes == [pytest.approx((0.1, 0.1, 0.5, 0.5))]
    assert display.axes_[0][2].get_title() == "3, 100 % sure"


def test_from_reading_of_nothing_says_why():
    blank = SimpleNamespace(describe=lambda: "blank, nothing to read")
    reading = SimpleNamespace(digits=(), size=(90, 60), diagnosis=blank)
    display = WhatTheModelSawDisplay.from_reading(np.ones((60, 90)), reading)
    assert display.words == ["blank, nothing to read"]
    assert display.axes_[0][2].get_title() == "not read"


def test_given_axes_are_divided():
    figure, ax = plt.subplots()
    display = WhatTheModelSawDisplay([np.ones((6, 9))], IMAGES[:1], PROBABILITIES[:1]).plot(ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert list(ax.child_axes) == list(display.axes_[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"names": ["one"]}, "2 pictures, 2 images, 2 probabilities, 1 names"),
        ({"classes": [1, 2]}, "classes must name the 3 columns"),
    ],
)
def test_lengths_that_do_not_match_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        make_display(**options)


def test_no_picture_at_all_is_refused():
    with pytest.raises(InputError, match="of one length >= 1"):
        WhatTheModelSawDisplay([], np.zeros((0, 28, 28)), np.zeros((0, 10)))


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_what_the_model_saw_looks_as_it_did(style, reading):
    with plt.style.context(style):
        pictures = [255 - np.kron(image * 15.0, np.ones((9, 9))).astype(np.uint8) for image in reading.X[:2]]
        return (
            WhatTheModelSawDisplay(
                pictures,
                reading.X[:2] / 16.0,
                reading.probabilities[:2],
                names=["first.jpg", "second.jpg"],
                words=["thin strokes, thickened", "a turned picture, put upright"],
                boxes=[(0.1, 0.1, 0.9, 0.9), None],
            )
            .plot(plt.subplots(figsize=(7.5, 4.8))[1])
            .figure_
        )
