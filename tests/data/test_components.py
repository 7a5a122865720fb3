import numpy as np
import pytest

from jaxdigits.data.components import choose_digit, find_pieces
from jaxdigits.data.ink import Ink


def choose(strokes):
    strength = np.asarray(strokes, np.float32)
    return choose_digit(Ink(strength, 0.5, 1.0, 1.0))


def chosen(strokes):
    """Mark the ink that was chosen, in the picture."""
    choice = choose(strokes)
    mask = np.zeros(np.shape(strokes), bool)
    height, width = choice.mask.shape
    mask[choice.top : choice.top + height, choice.left : choice.left + width] = choice.mask
    return mask & (np.asarray(strokes) > 0.5)


@pytest.fixture
def digit(draw_digit):
    """Draw a 4 in the middle of 120 x 120."""
    return np.asarray(draw_digit(4, ink=255, paper=0)) > 128


def test_pieces_are_measured():
    mask = np.zeros((10, 12), bool)
    mask[1:3, 2:7] = True
    mask[3, 7] = True  # at a corner
    mask[8, 10] = True
    labels, pieces = find_pieces(mask)
    assert [(piece.width, piece.height, piece.area) for piece in pieces] == [(6, 3, 11), (1, 1, 1)]
    np.testing.assert_array_equal(labels > 0, mask)


def test_a_digit_alone_is_chosen_whole(digit):
    np.testing.assert_array_equal(chosen(digit), digit)
    assert choose(digit).n_digits == 1


def test_soft_edges_come_along(digit):
    strength = np.maximum(digit, 0.3 * np.roll(digit, 2, axis=1))
    assert choose(strength).mask.sum() > 1.3 * digit.sum()


def test_specks_are_dropped(digit):
    specks = digit.copy()
    specks[20:22, 20:22] = specks[100, 80] = specks[60:62, 100:102] = True
    np.testing.assert_array_equal(chosen(specks), digit)


@pytest.mark.parametrize("gap", [2, 5, 8])
@pytest.mark.parametrize("row", [40, 75])
def test_broken_strokes_stay_together(draw_digit, row, gap):
    whole = np.asarray(draw_digit(5, ink=255, paper=0)) > 128
    whole[row : row + gap] = False
    np.testing.assert_array_equal(chosen(whole), whole)
    assert choose(whole).n_digits == 1


def test_a_bar_that_is_apart_from_its_5_stays(draw_digit):
    five = np.asarray(draw_digit(5, ink=255, paper=0)) > 128
    five[30:34] = False
    np.testing.assert_array_equal(chosen(five), five)


def test_a_broken_bar_of_a_digit_that_fills_its_picture_stays(draw_digit):
    five = np.asarray(draw_digit(5, size=(80, 100), box=(4, 4, 76, 95), ink=255, paper=0)) > 128
    five[10:13] = False
    np.testing.assert_array_equal(chosen(five), five)


@pytest.mark.parametrize(
    "frame",
    [
        np.s_[0:3, :],
        np.s_[:, -4:],
        np.s_[4:7, 10:110],
        np.s_[112:115, 5:70],
        np.s_[2:118, 3:6],
    ],
    ids=["top", "right", "near the top", "near the bottom", "near the left"],
)
def test_pieces_of_a_frame_are_dropped(digit, frame):
    framed = digit.copy()
    framed[frame] = True
    np.testing.assert_array_equal(chosen(framed), digit)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("inset", [0, 6])
def test_corners_of_a_frame_are_dropped_even_near_the_digit(digit, inset, turns):
    corner = np.zeros_like(digit)
    corner[inset : inset + 3, inset:90] = True
    corner[inset:70, inset : inset + 3] = True
    corner = np.rot90(corner, turns)
    np.testing.assert_array_equal(chosen(digit | corner), digit)


def test_a_frame_all_around_is_dropped(digit):
    framed = digit.copy()
    framed[2:5, 2:118] = framed[115:118, 2:118] = framed[2:118, 2:5] = framed[2:118, 115:118] = True
    np.testing.assert_array_equal(chosen(framed), digit)


def test_the_edge_of_a_neighbor_is_dropped(digit):
    beside = digit.copy()
    beside[30:90, :9] = True
    np.testing.assert_array_equal(chosen(beside), digit)
    assert choose(beside).n_digits == 1


def test_digits_beside_it_are_counted_not_read(digit):
    pair = np.hstack([digit, digit])
    choice = choose(pair)
    assert choice.n_digits == 2
    assert chosen(pair).sum() == digit.sum()
    assert choose(np.hstack([digit, digit, digit])).n_digits == 3


def test_the_middle_one_of_three_is_read(digit):
    row = np.hstack([digit] * 3)
    columns = np.flatnonzero(chosen(row).any(axis=0))
    assert columns.min() >= 120
    assert columns.max() < 240


def test_blank_ink_has_no_digit():
    blank = Ink(np.zeros((50, 50), np.float32), 0.5, 1.0, 0.0, blank=True)
    assert choose_digit(blank) is None


def test_a_dot_is_no_digit():
    dot = np.zeros((100, 100))
    dot[50:52, 50:52] = 1
    assert choose(dot) is None


def test_one_grain_among_many_is_no_digit():
    grains = np.random.default_rng(0).random((200, 200)) > 0.95
    assert choose(grains) is None


def test_a_small_digit_alone_on_a_large_page_is_chosen(draw_digit):
    small = np.asarray(draw_digit(4, size=(600, 400), box=(300, 200, 306, 212), width=2, ink=255, paper=0)) > 128
    np.testing.assert_array_equal(chosen(small), small)
