"""Tests of jaxdigits.report.drawings."""

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from scipy import sparse

from jaxdigits.report.drawings import draw, drawing_style, encode_pictures, make_axes


def make_drawing(name="a"):
    with drawing_style():
        (axes,) = make_axes((3, 2))
        axes.plot([1, 2], [3, 4], label="it")
        axes.set_title("Title & more")
        axes.legend()
        return draw(axes.figure, "A <line>", name=name)


def decode(address):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))))


def test_a_drawing_takes_the_color_of_the_page_and_says_what_it_shows():
    drawing = make_drawing()
    root = ElementTree.fromstring(drawing)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "A <line>"
    assert "currentColor" in drawing
    assert "#010203" not in drawing
    assert "Title &amp; more" in drawing


def test_a_drawing_is_the_same_every_time_and_its_names_are_its_own():
    assert make_drawing() == make_drawing()
    names = [set(re.findall(r'\bid="([^"]+)"', make_drawing(name))) for name in ("a", "b")]
    assert names[0]
    assert not names[0] & names[1]


def test_links_inside_a_drawing_find_their_names():
    drawing = make_drawing()
    names = set(re.findall(r'\bid="([^"]+)"', drawing))
    links = re.findall(r'(?:url\(|href=")#([^")]+)', drawing)
    assert links
    assert set(links) <= names


def test_axes_stand_below_each_other_at_the_heights_asked_for():
    upper, lower = make_axes((4, 6), heights=[3, 1])
    upper.figure.canvas.draw()
    boxes = upper.get_window_extent(), lower.get_window_extent()
    assert boxes[0].y0 > boxes[1].y1
    assert boxes[0].height > 2 * boxes[1].height


def test_pictures_are_dark_ink_on_white_and_all_on_one_scale():
    images = np.zeros((3, 8, 8))
    images[1, 2, 3], images[2, 4, 4] = 16.0, 8.0
    found = encode_pictures(images, [1, 2])
    assert list(found) == [1, 2]
    strong, weak = decode(found[1]), decode(found[2])
    assert (strong[2, 3], strong[0, 0]) == (0, 255)
    assert weak[4, 4] == pytest.approx(128, abs=1)


def test_large_pictures_are_reduced():
    assert decode(encode_pictures(np.eye(300)[None], [0])[0]).shape == (64, 64)


def test_rows_may_be_flat_or_sparse_and_need_not_be_pictures():
    rows = sparse.csr_matrix(np.eye(4, 12))
    assert decode(encode_pictures(rows, [2], image_shape=(3, 4))[2]).shape == (3, 4)
    assert encode_pictures(rows, [2]) == {}
