import numpy as np
import pytest

from jaxdigits.data.page_skew import MAX_SKEW, find_skew, turn_level


def lines(angle, shape=(400, 500)):
    """Three rows of squares, turned counter-clockwise about the middle of the page."""
    rows, columns = np.indices(shape)
    right, down = columns - shape[1] / 2 + 0.5, rows - shape[0] / 2 + 0.5
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x, y = cosine * right - sine * down, sine * right + cosine * down
    in_line = (np.abs(y) < 110) & (np.mod(y, 70) < 25)
    return in_line & (np.abs(x) < 180) & (np.mod(x, 30) < 18)


@pytest.mark.parametrize("angle", [-15, -7, 0, 2, 11, 15])
def test_the_angle_of_lines_is_found(angle):
    assert find_skew(lines(angle)) == pytest.approx(angle, abs=0.5)


def test_angles_stay_within_what_is_searched():
    assert abs(find_skew(lines(40))) <= MAX_SKEW + 3


@pytest.mark.parametrize("n_pixels", [0, 1])
def test_without_ink_there_is_no_angle(n_pixels):
    mask = np.zeros((50, 50), bool)
    mask[25, 25 : 25 + n_pixels] = True
    assert find_skew(mask) == 0


@pytest.mark.parametrize("angle", [-12, 9])
def test_a_level_page_is_level_and_leads_back(angle):
    page = lines(angle).astype(np.float32)
    level = turn_level(page, angle)
    assert find_skew(level.strength > 0.5) == pytest.approx(0, abs=0.5)
    assert level.strength.sum() == pytest.approx(page.sum(), rel=0.02)
    rows, columns = np.nonzero(level.strength > 0.9)
    back = np.floor(level.to_page(rows + 0.5, columns + 0.5)).astype(int)
    assert page[back[0], back[1]].mean() > 0.97


def test_a_page_that_is_level_stays_as_it_is():
    page = lines(0).astype(np.float32)
    assert turn_level(page, 0.0).strength is page


@pytest.mark.parametrize("angle", [0, 10])
def test_the_border_of_the_page_is_marked(angle):
    level = turn_level(np.ones((200, 300), np.float32), angle)
    border = level.mark_border()
    rows, columns = np.nonzero(border)
    seen = level.to_page(rows + 0.5, columns + 0.5)
    distance = np.minimum(np.minimum(seen[0], 200 - seen[0]), np.minimum(seen[1], 300 - seen[1]))
    assert np.abs(distance).max() < 6
    assert border.sum() > 2 * (200 + 300)
