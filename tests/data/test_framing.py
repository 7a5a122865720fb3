"""Bringing pictures to a model."""

import numpy as np
import pytest

from jaxdigits.data.framing import frame_picture, has_light_paper


def draw(shape=(60, 40), *, paper=255, ink=0):
    """Draw a bar of 20 x 8 pixels into the middle of a picture."""
    picture = np.full(shape, paper, np.uint8)
    top, left = shape[0] // 2 - 10, shape[1] // 2 - 4
    picture[top : top + 20, left : left + 8] = ink
    return picture


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (180, 90), (60, 140)])
def test_paper_becomes_low_and_ink_high_whatever_they_were(paper, ink) -> None:
    framed = frame_picture(draw((28, 28), paper=paper, ink=ink), (28, 28), pixel_range=(-1.0, 3.0))
    np.testing.assert_array_equal(framed, draw((28, 28), paper=0, ink=1) * 4.0 - 1.0)
    assert framed.dtype == np.float32


def test_a_picture_that_fits_already_stays_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
    picture[[0, -1]], picture[:, [0, -1]] = 0, 0
    picture[5, 5] = 255
    np.testing.assert_allclose(frame_picture(picture, (28, 28)), picture, atol=1e-4)


@pytest.mark.parametrize("shape", [(60, 40), (40, 60), (1000, 31), (12, 12)])
def test_the_aspect_is_kept_and_the_rest_is_paper(shape) -> None:
    picture = np.full(shape, 255, np.uint8)
    picture[1:-1, 1:-1] = 0
    ink = frame_picture(picture, (28, 28)) > 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    factor = 28 / max(shape)
    assert abs(height - factor * (shape[0] - 2)) <= 2
    assert abs(width - max(1, factor * (shape[1] - 2))) <= 2
    assert abs(rows.mean() - 13.5) <= 1
    assert abs(columns.mean() - 13.5) <= 1


def test_a_thin_stroke_survives_shrinking() -> None:
    picture = np.full((280, 280), 255, np.uint8)
    picture[40:240, 139:143] = 0
    assert frame_picture(picture, (28, 28)).max() == 255


def test_the_noise_of_a_blank_page_is_not_blown_up() -> None:
    picture = np.random.default_rng(0).integers(245, 252, (28, 28)).astype(np.uint8)
    assert frame_picture(picture, (28, 28)).max() < 64


@pytest.mark.parametrize(("paper", "light"), [(255, True), (0, False)])
def test_paper_is_told_by_the_border_of_all_images(paper, light) -> None:
    images = np.stack([draw((28, 28), paper=paper, ink=255 - paper)] * 3)
    images[0] = 128
    assert has_light_paper(images, white=255) is light


def test_a_picture_of_one_pixel_is_framed() -> None:
    assert frame_picture(np.zeros((1, 1), np.uint8), (8, 8)).shape == (8, 8)
