"""Digits drawn anew, and the paper around them."""

import numpy as np
import pytest

from benchmarks.drawing import (
    Geometry,
    add_noise,
    blur,
    draw_digit,
    draw_lines,
    draw_pen,
    find_box,
    lay_ink,
    make_light,
    make_ruling,
    to_bytes,
    trace,
    warp_lines,
)


@pytest.fixture
def bar():
    """Draw a vertical stroke, 4 wide and 20 high."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    return image


def test_an_enlarged_digit_keeps_its_shape_and_gets_crisp_edges(bar):
    ink = draw_digit(bar, (280, 280), Geometry(10.0, (140.0, 140.0)))
    assert ink.shape == (280, 280)
    assert ink.min() == 0
    assert ink.max() == 1
    columns = np.flatnonzero(ink[140] > 0.5)
    assert abs(len(columns) - 40) <= 4
    assert abs(columns.mean() - 139.5) < 1
    assert ((ink > 0.05) & (ink < 0.95)).mean() < 0.02


def test_a_small_digit_keeps_its_ink(bar):
    ink = draw_digit(bar, (14, 14), Geometry(0.5, (7.0, 7.0)))
    assert ink.sum() == pytest.approx(4 * 20 / 4, rel=0.2)


def test_rotation_is_clockwise(bar):
    ink = draw_digit(bar, (112, 112), Geometry(4.0, (56.0, 56.0), degrees=20))
    rows, columns = np.nonzero(ink > 0.5)
    assert columns[rows < 40].mean() > columns[rows > 72].mean()


def test_the_middle_line_runs_through_the_middle(bar):
    lines = trace(bar)
    assert np.abs(lines[..., 0] - 14).max() < 1
    assert np.ptp(lines[..., 1]) > 14


@pytest.mark.parametrize("n_pixels", [0, 1])
def test_next_to_no_ink_has_a_middle_line_too(n_pixels):
    image = np.zeros((28, 28), np.uint8)
    image.flat[400 : 400 + n_pixels] = 255
    assert trace(image).shape[1:] == (2, 2)


def test_a_pen_draws_its_own_width(bar):
    for width in (1, 3, 12):
        ink = draw_pen(bar, (112, 112), Geometry(4.0, (56.0, 56.0)), width=width)
        assert ink[56].sum() == pytest.approx(width, abs=1)


def test_a_pen_without_smoothing_leaves_ink_or_paper(bar):
    ink = draw_pen(bar, (112, 112), Geometry(4.0, (56.0, 56.0)), width=1, smooth=False)
    assert set(np.unique(ink)) == {0.0, 1.0}


def test_a_ring_stays_closed_when_it_is_traced():
    y, x = np.indices((28, 28)) - 13.5
    ring = (np.abs(np.hypot(x, y) - 8) < 1.8).astype(np.uint8) * 255
    ends = np.unique(trace(ring).reshape(-1, 2).round(6), axis=0, return_counts=True)[1]
    assert ends.min() >= 2
    ink = draw_pen(ring, (112, 112), Geometry(4.0, (56.0, 56.0)), width=2)
    assert ink[56, 56] == 0
    assert ink[56].max() > 0.9


def test_warped_lines_move_a_little(bar):
    lines = trace(bar)
    moved = warp_lines(lines, np.random.default_rng(0), strength=0.5)
    assert 0 < np.abs(moved - lines).max() < 3


def test_the_box_is_that_of_the_ink(bar):
    assert find_box(bar) == (12, 4, 16, 24)
    assert find_box(np.zeros_like(bar)) == (0, 0, 28, 28)


def test_ink_covers_paper_in_gray_and_in_color():
    ink = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert lay_ink(ink, 200, 100).tolist() == [[200, 150, 100]]
    assert lay_ink(ink, np.full((1, 3), 200.0), 100).tolist() == [[200, 150, 100]]
    colored = lay_ink(ink, np.array([200.0, 100.0, 0.0]), np.array([0.0, 100.0, 200.0]))
    assert colored.tolist() == [[[200, 100, 0], [100, 100, 100], [0, 100, 200]]]


def test_light_only_takes_away():
    light = make_light((40, 30), np.random.default_rng(0), spread=0.4, shadow=0.3)
    assert light.shape == (30, 40)
    assert 0.4 <= light.min() < 0.7
    assert light.max() <= 1


def test_ruling_repeats():
    ruling = make_ruling((200, 100), np.random.default_rng(0), period=20.0, width=2.0, squared=False)
    assert ruling.mean() == pytest.approx(2 / 20, rel=0.2)
    squared = make_ruling((200, 100), np.random.default_rng(0), period=20.0, width=2.0)
    assert squared.mean() > 1.5 * ruling.mean()


def test_noise_and_blur_keep_the_mean():
    flat = np.full((60, 60, 3), 100.0, np.float32)
    noisy = add_noise(flat, np.random.default_rng(0), 10.0)
    assert noisy.mean() == pytest.approx(100, abs=1)
    assert noisy.std() == pytest.approx(10, rel=0.1)
    assert blur(noisy, 3.0).std() < 3
    assert to_bytes(np.array([-5.0, 0.6, 300.0], np.float32)).tolist() == [0, 1, 255]


def test_lines_beyond_the_picture_are_cut():
    ink = draw_lines((20, 10), np.array([[[-50.0, 5.0], [50.0, 5.0]]]), 2.0)
    assert ink.shape == (10, 20)
    assert ink[5].min() > 0.4
