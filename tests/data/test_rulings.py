import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from jaxdigits.data.rulings import remove_rulings


@pytest.fixture
def strokes(draw_digit):
    return (np.asarray(draw_digit(5, size=(200, 240), width=12, ink=255, paper=0)) > 128).astype(np.float32)


def rule(shape, period, *, squared=False, thickness=2, climb=0.0, level=0.7):
    rows, columns = np.indices(shape)
    lines = (rows + climb * columns + 7) % period < thickness
    if squared:
        lines |= (columns - climb * rows + 7) % period < thickness
    return level * lines.astype(np.float32)


@pytest.mark.parametrize("climb", [0.0, 0.02], ids=["straight", "climbing"])
@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
def test_lines_of_the_paper_go_and_strokes_stay(strokes, squared, climb):
    page = gaussian_filter(np.maximum(strokes, rule(strokes.shape, 40, squared=squared, climb=climb)), 0.6)
    clean, removed = remove_rulings(page, 0.4)
    assert removed
    assert clean.shape == page.shape
    assert (clean[strokes > 0] > 0.4).mean() > 0.93
    assert (clean[strokes == 0] > 0.4).mean() < 0.03


def test_a_bar_on_a_line_stays(strokes):
    page = strokes.copy()
    page[120:132, 60:140] = 1.0
    with_lines = page.copy()
    with_lines[125::40] = np.maximum(with_lines[125::40], 0.8)
    with_lines[126::40] = np.maximum(with_lines[126::40], 0.8)
    with_lines[45:47] = np.maximum(with_lines[45:47], 0.8)
    with_lines[85:87] = np.maximum(with_lines[85:87], 0.8)
    clean, removed = remove_rulings(with_lines, 0.4)
    assert removed
    assert (clean[120:132, 60:140] > 0.4).mean() > 0.9
    assert (clean[125:127, :50] > 0.4).mean() < 0.05


def test_strokes_without_lines_are_left_alone(strokes):
    clean, removed = remove_rulings(strokes, 0.4)
    assert not removed
    assert clean is strokes


def test_a_bar_across_the_whole_picture_is_the_digits_own():
    seven = np.zeros((120, 80), np.float32)
    seven[10:18] = 1
    seven[18:, 40:48] = 1
    clean, removed = remove_rulings(seven, 0.4)
    assert not removed
    np.testing.assert_array_equal(clean, seven)


def test_a_one_of_full_height_is_no_line():
    one = np.zeros((120, 80), np.float32)
    one[:, 38:42] = 1
    clean, removed = remove_rulings(one, 0.4)
    assert not removed
    assert clean[60, 40] == 1


def test_blank_paper_has_no_lines():
    blank = np.zeros((50, 50), np.float32)
    assert not remove_rulings(blank, 0.4)[1]
