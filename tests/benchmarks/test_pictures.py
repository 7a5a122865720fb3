"""The pictures of the published systems."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.pictures import draw_pictures
from benchmarks.systems import ROWS

BY_NAME = {row.name: row for row in ROWS}
SHARED = {"comparison.png", "samples.png"}
pytestmark = pytest.mark.usefixtures("small_mnist")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cnn", {"cnn.png"}),
        ("cnn-augmented", {"cnn-augmented.png", "samples-distorted.png"}),
        ("from-scratch", {"from-scratch.png", "wishes.png"}),
        ("wish-deeper", {"wishes.png"}),
    ],
)
def test_each_system_gets_its_pictures(make_results, tmp_path, name, expected):
    results = make_results(BY_NAME[name], [0.97, 0.98], mistakes=[[3, 3, 8, 0.7]])
    written = draw_pictures(results, tmp_path / "new")
    assert {path.name for path in written} == expected | SHARED
    assert all(np.ptp(Image.open(path).convert("L")) > 100 for path in written)


def test_a_row_without_mistakes_is_drawn_too(make_results, tmp_path):
    assert draw_pictures(make_results(BY_NAME["cnn"], [1.0]), tmp_path)


def test_the_pictures_follow_the_results(make_results, tmp_path):
    row = replace(BY_NAME["cnn"], published=98.0)
    contents = []
    for accuracy in (0.97, 0.97, 0.99):
        draw_pictures(make_results(row, [accuracy]), tmp_path)
        contents.append((tmp_path / "comparison.png").read_bytes())
    assert contents[0] == contents[1] != contents[2]
