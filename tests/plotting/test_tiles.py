"""Tests of jaxdigits.plotting.tiles."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from jaxdigits.errors import InputError
from jaxdigits.plotting.tiles import draw_tile, paper_colors, shorten, take_pictures

IMAGES = np.arange(4)[:, None, None] + np.zeros((4, 6, 6))
ROWS = np.array([2, 0])


@pytest.mark.parametrize(
    "images",
    [
        IMAGES,
        IMAGES[..., None],
        IMAGES.reshape(4, 36),
        IMAGES.reshape(4, 36).tolist(),
        sparse.csr_matrix(IMAGES.reshape(4, 36)),
        pd.DataFrame(IMAGES.reshape(4, 36)),
    ],
    ids=["images", "channel", "flat", "list", "sparse", "frame"],
)
def test_pictures_are_taken_from_any_layout(images):
    np.testing.assert_array_equal(take_pictures(images, ROWS), IMAGES[ROWS])


def test_flat_pictures_may_be_of_any_shape_that_is_told():
    assert take_pictures(np.zeros((4, 36)), ROWS, image_shape=(4, 9)).shape == (2, 4, 9)
    for shape in (None, (5, 5)):
        with pytest.raises(InputError, match="Give image_shape"):
            take_pictures(np.zeros((4, 37)), ROWS, image_shape=shape)


def test_tiles_fill_the_grid_row_by_row():
    ax = plt.subplots()[1]
    tiles = [draw_tile(ax, IMAGES[0], index, grid=(2, 3), cmap="gray", limits=(0, 1)) for index in range(6)]
    ax.figure.canvas.draw()
    centers = [(box.x0 + box.x1, -(box.y0 + box.y1)) for box in (tile.get_window_extent() for tile in tiles)]
    assert sorted(range(6), key=lambda index: (round(centers[index][1]), centers[index][0])) == list(range(6))


@pytest.mark.parametrize(("style", "colors"), [("default", "gray_r"), ("dark_background", "gray")])
def test_paper_has_the_color_of_the_background(style, colors):
    with plt.style.context(style):
        assert paper_colors(plt.subplots()[1]) == colors


def test_long_labels_are_cut():
    assert shorten("abcdefghij") == "abcdefghij"
    assert shorten("abcdefghijk") == "abcdefghi\N{HORIZONTAL ELLIPSIS}"
