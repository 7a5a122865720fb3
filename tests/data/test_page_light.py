import numpy as np
import pytest

from jaxdigits.data.decoding import open_picture
from jaxdigits.data.page_light import even_light


def page_of(levels):
    return even_light(open_picture(np.asarray(levels, np.uint8)))


def written(paper, ink, n_columns=6):
    page = np.full((300, 400), paper, float)
    for top in (60, 160):
        for place in range(n_columns):
            page[top : top + 40, 60 + 45 * place : 66 + 45 * place] = ink
            page[top : top + 6, 66 + 45 * place : 84 + 45 * place] = ink
    return page


@pytest.mark.parametrize("n_columns", [1, 6])
def test_ink_becomes_dark_on_white_whatever_it_was(n_columns):
    for paper, ink in ((220, 40), (40, 220)):
        page = page_of(written(paper, ink, n_columns))
        assert page.inverted == (ink > paper)
        assert page.raster.levels[10, 10] == 1
        assert page.raster.levels[80, 63] < 0.4


def test_a_shadow_is_removed_and_told():
    columns = np.arange(400)
    page = page_of(written(220, 30) * np.where(columns > 200, 0.5, 1.0))
    assert page.shaded
    levels = page.raster.levels
    assert levels[20:40, 20:180].min() > 0.95
    assert levels[20:40, 220:380].min() > 0.95
    assert levels[80, 63] < 0.4
    assert not page_of(written(220, 30)).shaded


def test_a_sheet_on_a_dark_desk_keeps_its_polarity():
    desk = np.full((400, 560), 50.0)
    desk[50:350, 80:480] = written(215, 30)
    page = page_of(desk)
    assert not page.inverted
    assert page.raster.levels[130, 143] < 0.4
    assert page.raster.levels[80, 150] > 0.95


def test_colors_stay():
    page = np.stack([written(220, 180), written(220, 30), written(220, 30)], axis=2)
    levels = page_of(page).raster.levels
    assert levels.shape == (300, 400, 3)
    assert levels[80, 63, 0] > levels[80, 63, 1] + 0.3


def test_small_and_transparent_pictures_are_left_alone():
    small = open_picture(np.full((100, 100), 90, np.uint8))
    assert even_light(small).raster is small
    clear = np.zeros((300, 300, 4), np.uint8)
    clear[100:200, 100:110, 3] = 255
    transparent = open_picture(clear)
    assert even_light(transparent).raster is transparent
