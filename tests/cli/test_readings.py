"""Tests of jaxdigits.cli.readings."""

import numpy as np
import pytest
from PIL import Image

from jaxdigits.cli.readings import Answer, draw_answers, percent, show_picture, to_shares
from jaxdigits.data.images import Diagnosis

SHARES = np.array([0.01, 0.6, 0.02, 0.3, 0.07])
MENDED = Diagnosis((90, 60), (10, 20, 30, 50), inverted=True)


def make_answer(shares=SHARES, **options):
    return Answer("a photo.jpg", [0, 1, 2, 3, 4], shares, **options)


def test_the_likeliest_class_and_its_probability():
    assert (make_answer().label, make_answer().probability) == (1, 0.6)
    assert make_answer().problem == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"diagnosis": MENDED}, "light ink on dark, turned over"),
        ({"sure": False}, "not sure, perhaps 3 (30.0 %)"),
        (
            {"sure": False, "looks_like_digit": False, "diagnosis": MENDED},
            "does not look like a digit; 1 is the best guess; light ink on dark, turned over",
        ),
    ],
)
def test_doubts_come_before_what_was_mended(options, words):
    assert make_answer(**options).words == words


def test_what_does_not_look_like_a_digit_is_no_more_confident_than_that_it_is_one():
    assert make_answer(not_a_digit=0.3).confidence == 0.6
    assert make_answer(not_a_digit=0.9, looks_like_digit=False).confidence == pytest.approx(0.1)
    assert make_answer(None).confidence is None


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ({"n_digits": 5}, "found 5 digits. Use: jaxdigits read 'a photo.jpg'"),
        ({"blank": True}, "no digit, the picture is blank."),
        ({"hopeless": True}, "no digit, no stroke stands out of the picture."),
    ],
)
def test_what_was_not_read_says_why_and_what_to_do(findings, words):
    answer = make_answer(None, diagnosis=Diagnosis((90, 60), None, **findings))
    assert answer.problem.startswith(words)
    assert (answer.label, answer.probability) == (None, None)


@pytest.mark.parametrize(("ink", "ground"), [(0, 1.0), (255, 0.0)])
def test_a_transparent_picture_is_shown_on_a_ground_that_its_ink_stands_out_of(tmp_path, ink, ground):
    drawing = np.zeros((20, 30, 4), np.uint8)
    drawing[5:15, 10:20] = (ink, ink, ink, 255)
    Image.fromarray(drawing).save(tmp_path / "drawing.png")
    shown = show_picture(tmp_path / "drawing.png")
    assert shown[0, 0] == pytest.approx(ground)
    assert shown[10, 15] == pytest.approx(ink / 255)


def test_a_large_picture_is_reduced_for_drawing(tmp_path):
    Image.new("RGB", (3000, 1000), (10, 200, 30)).save(tmp_path / "photo.png")
    assert max(show_picture(tmp_path / "photo.png").shape) <= 800


def test_pictures_are_drawn_with_the_box_that_was_read():
    picture = np.ones((60, 90))
    figure = draw_answers([make_answer(picture=picture, image=np.zeros((28, 28)), diagnosis=MENDED)])
    [box] = figure.axes[0].child_axes[0].patches
    assert box.get_bbox().bounds == pytest.approx((9.5, 19.5, 20, 30))


def test_of_many_pictures_the_first_twenty_are_drawn():
    figure = draw_answers([make_answer(picture=np.ones((6, 9)))] * 25)
    assert len(figure.axes[0].child_axes) == 60
    assert len(draw_answers([make_answer(), make_answer(picture=np.ones((6, 9)))]).axes[0].child_axes) == 3


def test_shares_and_percentages():
    assert to_shares(["a", "b"], np.array([0.25, 0.75])) == {"a": 0.25, "b": 0.75}
    assert to_shares([0, 1], None) is None
    assert [percent(share) for share in (0.123456, 0.99951, 1.0)] == ["12.3 %", ">99.9 %", "100.0 %"]
