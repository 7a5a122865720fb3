from itertools import pairwise

import numpy as np
import pytest

from jaxdigits.data.page_cuts import choose_cuts, find_cuts, rate_split

SIZE = 40


def two_bars(lean=0, bridge=4):
    """Two strokes, leaning to the left further down, and a bridge between them in the middle."""
    ink = np.zeros((SIZE, 60), np.float32)
    for row in range(SIZE):
        shift = round(lean * (SIZE / 2 - row) / SIZE)
        for left in (15, 40):
            ink[row, left + shift : left + shift + 6] = 1
    ink[18 : 18 + bridge, 15:40] = 1
    return ink


@pytest.mark.parametrize("lean", [0, 10, 20])
def test_the_cheapest_cut_crosses_the_bridge_alone_upright_or_slanted(lean):
    ink = two_bars(lean)
    ((cost, cut),) = find_cuts(ink, SIZE, n_cuts=1)
    crossed = ink[np.arange(SIZE), cut]
    assert 1 <= crossed.sum() <= 4  # a step sideways may skip a pixel
    assert crossed.sum() <= cost <= 6
    assert np.abs(np.diff(cut)).max() <= 2


def test_cuts_go_from_left_to_right_and_have_ink_between_them():
    cuts = find_cuts(two_bars(), SIZE)
    middles = [cut.mean() for _, cut in cuts]
    assert middles == sorted(middles)
    ink = two_bars().cumsum(axis=1)
    for (_, one), (_, other) in pairwise(cuts):
        rows = np.arange(SIZE)
        assert np.abs(ink[rows, np.minimum(one, 59)] - ink[rows, np.minimum(other, 59)]).sum() > 0.01 * SIZE**2


@pytest.mark.parametrize("shape", [(3, 50), (50, 3), (1, 1)])
def test_what_is_too_small_is_not_cut(shape):
    assert find_cuts(np.ones(shape, np.float32), 20.0) == []


def test_a_choice_never_has_cuts_that_cross():
    cuts = [(1.0, np.full(SIZE, 20)), (1.0, np.linspace(15, 30, SIZE).astype(int)), (2.0, np.full(SIZE, 40))]
    chosen = choose_cuts(cuts, 80, SIZE)
    assert (0, 1) not in chosen
    assert (0, 2) in chosen


def test_narrow_things_are_cut_in_two_and_wide_ones_in_more():
    cuts = [(1.0, np.full(SIZE, column)) for column in (20, 45, 70, 95)]
    assert {len(places) for places in choose_cuts(cuts, 30, SIZE)} == {1}
    assert {len(places) for places in choose_cuts(cuts, 118, SIZE)} >= {2, 3}
    assert choose_cuts(cuts, 15, SIZE) == []


def test_low_parts_and_much_crossed_ink_speak_against_a_split():
    likely = rate_split([1.0, 1.0], 1.2, 0.1)
    assert likely > rate_split([1.0, 0.5], 1.2, 0.1)
    assert likely > rate_split([1.0, 1.0], 1.2, 0.3)
    assert likely > rate_split([1.0, 1.0], 0.7, 0.1)
