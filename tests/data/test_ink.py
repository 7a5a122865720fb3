import numpy as np
import pytest
from PIL import Image

from jaxdigits.data.decoding import Raster, open_picture
from jaxdigits.data.ink import SMALLEST_SIDE, find_ink, resize


def read(picture):
    return find_ink(open_picture(picture))


@pytest.fixture
def page(draw_digit):
    return np.asarray(draw_digit(2, size=(160, 200), width=10))


@pytest.fixture
def strokes(page):
    return page < 128


def check(ink, strokes):
    """Ink is where the strokes are, but for their edges."""
    found = resize(ink.strength, strokes.shape) > ink.threshold
    assert (found ^ strokes).sum() < 0.15 * strokes.sum()


def test_paper_is_0_and_full_ink_1(page, strokes):
    ink = read(page)
    assert np.median(ink.strength[~strokes]) == 0
    assert np.median(ink.strength[strokes]) == pytest.approx(1, abs=0.05)
    assert 0.2 < ink.threshold < 0.7
    assert ink.strength.dtype == np.float32
    assert ink.contrast == pytest.approx(200 / 230, abs=0.1)
    flags = (ink.inverted, ink.transparent, ink.shaded, ink.ruled, ink.blank, ink.low_contrast)
    assert not any(flags)
    check(ink, strokes)


def test_light_ink_on_dark_is_turned_over(page, strokes):
    ink = read(255 - page)
    assert ink.inverted
    check(ink, strokes)


@pytest.mark.parametrize("light", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("binary", [False, True], ids=["gray", "binary"])
@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("digit", [0, 1, 2, 4, 5, 7])
def test_the_polarity_of_bitmaps_that_a_digit_fills_is_told(draw_digit, digit, side, binary, light):
    large = draw_digit(digit, size=(160, 160), width=20, ink=0, paper=255, box=(11, 11, 149, 149))
    bitmap = np.asarray(large.resize((side, side), Image.Resampling.BOX))
    bitmap = np.where(bitmap > 127, 255, 0).astype(np.uint8) if binary else bitmap
    assert read(255 - bitmap if light else bitmap).inverted == light


@pytest.mark.parametrize("light", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("width", [3, 24])
def test_the_polarity_is_told_for_pens_and_markers(draw_digit, width, light):
    page = np.asarray(draw_digit(5, width=width))
    assert read(255 - page if light else page).inverted == light


@pytest.mark.parametrize("light", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize(
    "make_light",
    [
        lambda _, x: 0.55 + 0.45 * x,
        lambda y, x: np.exp(-1.2 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)),
        lambda _, x: np.where(x > 0.45, 0.6, 1.0),
        lambda y, x: np.where(x + 0.7 * y > 0.8, 0.62, 1.0),
        lambda y, x: np.where(1.4 * x - y > 0.55, 0.62, 1.0),
    ],
    ids=["gradient", "vignette", "shadow", "slanting shadow", "shadow in a corner"],
)
def test_uneven_light_is_removed(page, strokes, make_light, light):
    y, x = (axis / side for axis, side in zip(np.indices(page.shape), page.shape, strict=True))
    lit = (page if not light else 255.0 - page) * make_light(y, x)
    ink = read(lit.astype(np.uint8))
    assert ink.inverted == light
    if not light:
        assert ink.shaded
        check(ink, strokes)


@pytest.mark.parametrize(
    "make_light",
    [
        lambda _, x: 0.25 + 0.7 * x,
        lambda y, x: np.exp(-1.2 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)),
        lambda _, x: np.where(x > 0.5, 0.5, 0.9),
        lambda _, x: np.full_like(x, 0.8),
        lambda _, x: np.zeros_like(x),
    ],
    ids=["gradient", "vignette", "shadow", "even", "black"],
)
def test_light_alone_is_blank(make_light):
    y, x = np.indices((150, 200)) / 200
    ink = read((255 * make_light(y, x)).astype(np.uint8))
    assert ink.blank
    assert not ink.strength.any()
    assert not ink.low_contrast


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 50), (50, 1)])
def test_what_has_no_extent_is_blank(shape):
    assert read(np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)).blank


def test_grain_does_not_hide_strokes(page, strokes):
    noisy = page + 25 * np.random.default_rng(0).normal(size=page.shape)
    check(read(noisy.clip(0, 255).astype(np.uint8)), strokes)


def test_salt_and_pepper_is_taken_off(page, strokes):
    generator = np.random.default_rng(0)
    spoiled = np.where(generator.random(page.shape) < 0.06, generator.choice([0, 255], page.shape), page)
    ink = read(spoiled.astype(np.uint8))
    check(ink, strokes)
    assert (ink.strength[~strokes] > ink.threshold).mean() < 0.01


def test_faint_ink_is_raised_and_told(draw_digit):
    page = np.asarray(draw_digit(2, size=(160, 200), width=10, ink=200, paper=225))
    ink = read(page)
    assert ink.low_contrast
    assert not ink.blank
    check(ink, page < 212)


@pytest.mark.parametrize(
    ("ink_color", "paper"),
    [
        ((200, 30, 30), (240, 240, 240)),
        ((30, 60, 200), (250, 240, 120)),
        ((220, 90, 90), (110, 150, 110)),  # of one brightness
        ((255, 220, 0), (30, 30, 160)),
    ],
)
def test_colored_ink_on_colored_paper_is_found(draw_digit, ink_color, paper):
    page = draw_digit(2, size=(160, 200), width=10, mode="RGB", ink=ink_color, paper=paper)
    strokes = np.abs(np.asarray(page, int) - paper).sum(axis=2) > 40
    check(read(page), strokes)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("digit", [0, 2, 4, 5, 7])
def test_fine_lines_are_ink(draw_digit, digit, width):
    page = draw_digit(digit, width=width)
    ink = read(page)
    assert not ink.blank
    strokes = np.asarray(page) < 128
    assert (ink.strength[strokes] > ink.threshold).mean() > 0.95
    assert (ink.strength[~strokes] > ink.threshold).mean() < 0.01


def test_small_pictures_are_enlarged():
    bitmap = np.zeros((16, 12), np.uint8)
    bitmap[2:14, 5:7] = 255
    ink = read(bitmap)
    assert max(ink.strength.shape) >= SMALLEST_SIDE
    assert ink.scale == ink.strength.shape[0] / 16 == ink.strength.shape[1] / 12


def test_the_scale_counts_what_reducing_took(page):
    raster = open_picture(page.repeat(4, 0).repeat(4, 1), longest=200)
    assert find_ink(raster).scale == raster.scale == 0.25


@pytest.mark.parametrize("color", [0, 255], ids=["dark", "white"])
@pytest.mark.parametrize("peak", [255, 60], ids=["opaque", "faint"])
def test_opacity_is_ink_whatever_its_color(strokes, color, peak):
    picture = np.zeros((*strokes.shape, 4), np.uint8)
    picture[..., :3] = color
    picture[..., 3] = peak * strokes
    ink = read(picture)
    assert ink.transparent
    assert ink.inverted == (color == 255)
    check(ink, strokes)


def test_what_is_transparent_everywhere_is_blank():
    ink = read(np.zeros((50, 50, 4), np.uint8))
    assert ink.blank
    assert ink.transparent


@pytest.mark.parametrize("light", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("radius", [40, 90], ids=["badge", "rounded corners"])
def test_a_sheet_on_a_transparent_ground_is_paper_not_ink(draw_digit, radius, light):
    page = np.asarray(draw_digit(4, size=(160, 160), width=6, box=(65, 62, 95, 98)))
    page = 255 - page if light else page
    y, x = np.indices(page.shape) - 80
    sheet = np.hypot(y, x) < radius
    picture = np.dstack([page, page, page, np.where(sheet, 255, 0)]).astype(np.uint8)
    picture[~sheet, :3] = 0
    ink = read(picture)
    assert (ink.transparent, ink.inverted) == (True, light)
    strokes = (page > 128) if light else (page < 128)
    check(ink, strokes)


def test_a_raster_of_a_page_has_no_limits_of_its_own():
    raster = Raster(np.full((10, 300), 0.5, np.float32), None, 0, 1.0, (300, 10))
    assert find_ink(raster).blank


def test_resizing_keeps_the_mean():
    levels = np.random.default_rng(0).random((60, 80), np.float32)
    smaller = resize(levels, (15, 20))
    assert smaller.shape == (15, 20)
    assert smaller.mean() == pytest.approx(levels.mean(), abs=0.01)
