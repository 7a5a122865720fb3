import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from jaxdigits.data.datasets import load_mnist
from jaxdigits.data.strokes import (
    BOX,
    SIDE,
    THICKEST,
    THINNEST,
    canonical_image,
    center_by_mass,
    is_canonical,
    stroke_width,
)


def ink_of(draw_digit, digit=2, **options):
    return np.asarray(draw_digit(digit, ink=255, paper=0, **options), np.float32) / 255


def extent(image):
    return int(image.any(axis=0).sum()), int(image.any(axis=1).sum())


@pytest.mark.parametrize("width", [1, 2, 5, 8, 16, 24])
@pytest.mark.parametrize("size", [(40, 50), (120, 120), (600, 400)])
@pytest.mark.parametrize("digit", [0, 1, 2, 4, 5, 7])
def test_every_digit_comes_out_in_the_canonical_form(draw_digit, digit, size, width):
    width = min(width, size[0] // 6)  # more would be a blot
    image = canonical_image(ink_of(draw_digit, digit, size=size, width=width), 0.5).image
    assert image.shape == (SIDE, SIDE)
    assert image.dtype == np.float32
    assert image.min() == 0
    assert 0.9 < image.max() <= 1
    assert max(extent(image)) in (BOX - 1, BOX, BOX + 1)
    np.testing.assert_allclose(center_of_mass(image), (14, 14), atol=0.6)


@pytest.mark.parametrize(
    ("width", "thin", "thick"), [(1, True, False), (3, True, False), (8, False, False), (22, False, True)]
)
def test_strokes_are_brought_to_the_width_of_mnist(draw_digit, width, thin, thick):
    canonical = canonical_image(ink_of(draw_digit, 5, width=width), 0.5)
    assert (canonical.thin, canonical.thick) == (thin, thick)
    seen = stroke_width(canonical.image)
    assert THINNEST - 0.3 < seen < THICKEST + 0.5
    assert canonical.stroke_width == pytest.approx(width * BOX / 80, rel=0.35, abs=0.3)


def test_the_aspect_is_kept(draw_digit):
    tall = canonical_image(ink_of(draw_digit, 0, size=(200, 200), box=(80, 30, 120, 170)), 0.5).image
    width, height = extent(tall)
    assert height == BOX
    assert width == pytest.approx(BOX * 48 / 148, abs=2)


def test_a_one_stays_a_stroke():
    one = np.zeros((100, 30), np.float32)
    one[10:90, 12:18] = 1
    width, height = extent(canonical_image(one, 0.5).image)
    assert (width <= 4, height) == (True, BOX)


def test_edges_are_gray(draw_digit):
    image = canonical_image(ink_of(draw_digit, 2), 0.5).image
    assert 0.1 < ((image > 0.05) & (image < 0.95)).sum() / (image > 0.05).sum() < 0.9


@pytest.mark.parametrize("factor", [2, 5])
def test_scale_changes_little(draw_digit, likeness, factor):
    strength = ink_of(draw_digit, 2)
    large = strength.repeat(factor, 0).repeat(factor, 1)
    one, other = canonical_image(strength, 0.5).image, canonical_image(large, 0.5, scale=factor).image
    assert likeness(one, other) > 0.97


def test_steps_of_enlarged_bitmaps_are_smoothed(draw_digit, likeness):
    fine = ink_of(draw_digit, 0, size=(480, 480), width=40)
    coarse = np.float32(fine.reshape(24, 20, 24, 20).mean(axis=(1, 3)) > 0.5).repeat(20, 0).repeat(20, 1)
    smooth = canonical_image(fine, 0.5).image
    assert likeness(canonical_image(coarse, 0.5, scale=20).image, smooth) > 0.95


def test_nothing_comes_of_nothing():
    canonical = canonical_image(np.zeros((30, 40), np.float32), 0.5)
    assert not canonical.image.any()
    assert (canonical.stroke_width, canonical.thin, canonical.thick) == (0, False, False)


def test_a_single_pixel_does_not_break_it():
    dot = np.zeros((9, 9), np.float32)
    dot[4, 4] = 1
    assert canonical_image(dot, 0.5).image.max() > 0.5


@pytest.mark.parametrize("width", [3, 6, 12])
def test_the_width_of_a_straight_stroke_is_measured(width):
    bar = np.zeros((200, 60), np.float32)
    bar[5:195, 20 : 20 + width] = 1
    assert stroke_width(bar) == pytest.approx(width, rel=0.12)


def test_mass_becomes_the_middle():
    box = np.zeros((20, 11), np.float32)
    box[:, 0] = 1
    box[0] = 1
    image = center_by_mass(box)
    assert image.sum() == box.sum()
    np.testing.assert_allclose(center_of_mass(image), (14, 14), atol=0.51)


def test_what_would_leave_the_image_is_held_at_its_edge():
    box = np.zeros((20, 28), np.float32)
    box[:, :2] = 1
    assert center_by_mass(box)[4:24].sum() == box.sum()


def test_mnist_is_canonical(mnist_folder):
    assert mnist_folder.is_dir()
    images = np.asarray(load_mnist()[0][:2000]).reshape(-1, SIDE, SIDE) / np.float32(255)
    assert all(is_canonical(image) for image in images)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: np.roll(image, 3, axis=1),
        lambda image: 1 - image,
        lambda image: np.pad(image[4:24, 4:24], 4, constant_values=0.02),
        lambda image: image * 0.5,
        lambda image: np.pad(image, 2),
        lambda image: np.zeros_like(image),
        lambda image: np.pad(image[4:24:2, 4:24:2], 9),
    ],
    ids=["off center", "inverted", "gray paper", "faint", "too large", "blank", "small"],
)
def test_what_is_not_canonical_is_told(draw_digit, spoil):
    image = canonical_image(ink_of(draw_digit, 0), 0.5).image
    assert is_canonical(image)
    assert not is_canonical(spoil(image))
