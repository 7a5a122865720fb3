import numpy as np

from jaxdigits.data.page_layout import find_pieces, group_lines


def group(mask):
    return group_lines(find_pieces(mask)[1], mask.shape)


def bars(tops, lefts, height=40, shape=(300, 500)):
    mask = np.zeros(shape, bool)
    for top in tops:
        for left in lefts:
            mask[top : top + height, left : left + 8] = True
    return mask


def corners(lines):
    return [[(group.left, group.top) for group in line] for line in lines]


def test_pieces_tell_box_area_and_thickness():
    mask = np.zeros((40, 40), bool)
    mask[5:25, 10:15] = True
    labels, (piece,) = find_pieces(mask)
    assert (piece.left, piece.top, piece.right, piece.bottom) == (10, 5, 15, 25)
    assert (piece.area, piece.thickness, piece.at_border) == (100, 5.0, False)
    assert (labels == piece.number).sum() == 100


def test_lines_go_down_and_digits_to_the_right():
    assert corners(group(bars((160, 40), (300, 60, 180)))) == [
        [(60, 40), (180, 40), (300, 40)],
        [(60, 160), (180, 160), (300, 160)],
    ]


def test_a_line_that_climbs_is_one_line():
    mask = np.zeros((300, 600), bool)
    for place in range(10):
        mask[120 - 5 * place : 160 - 5 * place, 30 + 55 * place : 38 + 55 * place] = True
        mask[200 - 5 * place : 240 - 5 * place, 30 + 55 * place : 38 + 55 * place] = True
    assert [len(line) for line in group(mask)] == [10, 10]


def test_a_frame_and_a_printed_line_are_dropped():
    mask = bars((60, 160), (80, 160, 240, 320))
    mask[[3, 296], 3:497] = True
    mask[3:297, [3, 496]] = True
    mask[250:253, 40:400] = True
    assert [len(line) for line in group(mask)] == [4, 4]


def test_what_is_solid_is_dropped_sooner_at_the_border():
    mask = bars((60, 160), (80, 160, 240, 320))
    mask[278:300, 450:472] = True  # thrice as thick as the strokes
    border = np.zeros(mask.shape, bool)
    assert sum(map(len, group_lines(find_pieces(mask, border)[1], mask.shape))) == 9
    border[[0, -1]] = True
    assert sum(map(len, group_lines(find_pieces(mask, border)[1], mask.shape))) == 8


def test_a_small_piece_beside_a_digit_belongs_to_it():
    mask = bars((60,), (80, 160, 240))
    mask[60:66, 171:185] = True
    (line,) = group(mask)
    assert [len(group.pieces) for group in line] == [1, 2, 1]


def test_halves_above_each_other_are_one_digit():
    mask = bars((60,), (80, 160, 240))
    mask[78:82, 160:168] = False
    (line,) = group(mask)
    assert [len(group.pieces) for group in line] == [1, 2, 1]


def test_digits_over_each_other_may_be_one_or_two():
    mask = bars((60,), (80, 240, 320))
    for row in range(40):  # two parallel strokes that lean over each other
        left = 190 - row // 2
        mask[60 + row, left : left + 6] = mask[60 + row, left + 8 : left + 14] = True
    (line,) = group(mask)
    assert [len(group.doubtful) for group in line] == [0, 2, 0, 0]


def test_no_pieces_make_no_lines():
    assert group_lines([], (100, 100)) == []
