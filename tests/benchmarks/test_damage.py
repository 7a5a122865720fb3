"""The fifteen kinds of damage."""

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks import damage
from benchmarks.damage import DAMAGES, draw_sheet, main, pick_colors, show_picture

every_kind = pytest.mark.parametrize("kind", DAMAGES)


@pytest.fixture
def five():
    """Something like a 5, with the gray edges of MNIST's digits."""
    image = np.zeros((28, 28), np.uint8)
    image[4:7, 9:20] = image[4:14, 9:12] = image[11:14, 9:19] = image[13:23, 17:20] = image[21:24, 8:19] = 255
    return image


def draw(kind, image, strength, seed=0):
    return DAMAGES[kind](image, strength, np.random.default_rng(seed))


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture))) if isinstance(picture, bytes) else picture


def test_all_kinds_are_there():
    assert len(DAMAGES) == 15


@every_kind
@pytest.mark.parametrize("strength", range(3))
def test_a_damaged_digit_is_a_picture_and_the_seed_decides_it(five, kind, strength):
    before = five.copy()
    first, again = (draw(kind, five, strength) for _ in range(2))
    assert np.array_equal(five, before)
    assert np.array_equal(pixels(first), pixels(again))
    shown = pixels(first)
    assert shown.dtype == np.uint8
    assert shown.ndim == 2 or shown.shape[2] in (3, 4)
    assert np.ptp(shown) > 10


@every_kind
def test_blank_images_do_no_harm(kind):
    for strength in range(3):
        assert min(pixels(draw(kind, np.zeros((28, 28), np.uint8), strength)).shape[:2]) >= 1


def test_a_mild_inversion_is_exact(five):
    assert np.array_equal(draw("inverted", five, 0), 255 - five)


def test_inversion_goes_either_way_with_ever_less_contrast(five):
    contrasts = [np.ptp(np.percentile(draw("inverted", five, strength, 1), (3, 97))) for strength in range(3)]
    assert contrasts == sorted(contrasts, reverse=True)
    means = [draw("inverted", five, 1, seed) for seed in range(20)]
    assert {float(np.median(picture)) > picture.mean() for picture in means} == {True, False}


@pytest.mark.parametrize(("strength", "low", "high"), [(0, 28, 112), (1, 14, 280), (2, 8, 400)])
def test_scaled_pictures_have_the_sizes_that_they_should(five, strength, low, high):
    sides = [max(draw("scaled", five, strength, seed).shape) for seed in range(20)]
    assert low <= min(sides)
    assert max(sides) <= high
    assert len(set(sides)) > 1


def test_moved_digits_stay_inside(five):
    for seed in range(10):
        for strength in range(3):
            picture = draw("off center", five, strength, seed)
            border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
            assert border.min() > 200
            assert picture.min() < 60


def test_thick_strokes_take_more_ink_than_thin_ones(five):
    shares = [(255 - draw(kind, five, 1).astype(float)).mean() for kind in ("thin", "thick")]
    assert shares[1] > 3 * shares[0]


def test_jpeg_comes_encoded_and_ever_smaller_in_quality(five):
    pictures = [draw("JPEG blocks", five, strength) for strength in range(3)]
    assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
    assert len(pictures[0]) > len(pictures[2])


def test_salt_and_pepper_falls_on_its_share_of_the_pixels():
    share = np.mean(draw("salt and pepper", np.zeros((28, 28), np.uint8), 1) != 255)
    assert share == pytest.approx(0.025, abs=0.012) or share == pytest.approx(0.975, abs=0.012)


def test_transparent_pictures_have_dark_and_white_ink(five):
    pictures = [draw("transparent", five, 0, seed) for seed in range(10)]
    assert all(picture.shape[2] == 4 and picture[0, 0, 3] == 0 for picture in pictures)
    inks = {int(picture[picture[..., 3] == 255][0, 0]) > 127 for picture in pictures}
    assert inks == {True, False}


def test_a_tight_crop_leaves_no_margin(five):
    picture = draw("cropped tight", five, 1).astype(int)
    paper = np.median(picture)
    for edge in (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]):
        assert np.abs(edge - paper).max() > 60


def test_frames_are_wide_and_tall(five):
    shapes = [draw("wide and tall frames", five, 1, seed).shape for seed in range(10)]
    assert {width > height for height, width in shapes} == {True, False}
    assert all(max(shape) == pytest.approx(4 * min(shape), abs=1) for shape in shapes)


@pytest.mark.parametrize("strength", range(3))
def test_a_rotated_stroke_leans_by_the_degrees_that_it_should(strength):
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 13:16] = 255
    low, high = ((0, 5), (5, 10), (10, 15))[strength]
    for seed in range(6):
        y, x = np.nonzero(draw("rotated", bar, strength, seed) < 128)
        degrees = abs(np.degrees(np.arctan(np.polyfit(y, x, 1)[0])))
        assert low - 1 <= degrees <= high + 1


def test_colors_keep_the_difference_of_luma_that_is_asked_for():
    generator = np.random.default_rng(0)
    for _ in range(20):
        paper, pen = pick_colors(generator, (0.0, 0.06))
        assert abs((paper - pen) @ (0.299, 0.587, 0.114)) <= 0.06 * 255 + 1e-3
        assert np.abs(paper - pen).max() > 0.3 * 255


def test_a_sheet_shows_every_picture(five):
    rows = [[draw("transparent", five, 0), draw("JPEG blocks", five, 0)], [draw("wide and tall frames", five, 2)]]
    assert draw_sheet(rows, tile=20).size == (48, 48)
    assert show_picture(rows[0][0]).mode == "RGB"


def test_the_command_writes_a_sheet(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(damage, "load_mnist", lambda: small_mnist)
    assert main([str(tmp_path / "sheet.png")]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (15 * 76, 15 * 76)
