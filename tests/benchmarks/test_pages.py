"""The pages that the benchmark makes: what is drawn is where the truth says."""

import numpy as np
import pytest

from benchmarks.pages import MAX_SKEW, PAPERS, make_page


@pytest.fixture(scope="module")
def digits():
    """Two shapes in the place of handwriting: a bar (1) and a ring (0)."""
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 4:24, 12:16] = 255
    images[1, 4:24, 5:23] = 255
    images[1, 8:20, 9:19] = 0
    return images, np.array([1, 0])


def test_the_same_seed_makes_the_same_page(digits):
    one, same, other = (make_page(*digits, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.picture, same.picture)
    assert one.digits == same.digits
    assert one.picture.shape != other.picture.shape or (one.picture != other.picture).any()


@pytest.mark.parametrize("skew", [0.0, 12.0, -15.0])
def test_boxes_hold_the_ink(digits, skew):
    page = make_page(*digits, seed=5, skew=skew, paper="plain")
    gray = page.picture.mean(axis=2)
    for digit in page.digits:
        left, top, right, bottom = (round(side) for side in digit.box)
        assert 0 <= left < right <= gray.shape[1]
        assert 0 <= top < bottom <= gray.shape[0]
        around = gray[max(0, top - 8) : bottom + 8, max(0, left - 12) : right + 12]
        assert np.percentile(gray[top:bottom, left:right], 5) < 0.75 * np.percentile(around, 95)


def test_lines_go_down_and_digits_go_to_the_right(digits):
    page = make_page(*digits, seed=6, skew=0.0)
    lines = [digit.line for digit in page.digits]
    assert lines == sorted(lines)
    assert len(set(lines)) >= 2
    for line in set(lines):
        lefts = [digit.box[0] for digit in page.digits if digit.line == line]
        assert lefts == sorted(lefts)


def test_digits_are_30_to_90_pixels_high_and_labels_tell_their_shape(digits):
    page = make_page(*digits, seed=7, skew=0.0)
    for digit in page.digits:
        left, top, right, bottom = digit.box
        assert 20 <= bottom - top <= 110
        assert ((right - left) < 0.6 * (bottom - top)) == (digit.label == 1)


def test_touching_digits_touch_and_others_do_not(digits):
    pages = [make_page(*digits, seed=seed, skew=0.0) for seed in range(8)]
    touching = [digit for page in pages for digit in page.digits if digit.touching]
    assert 0 < len(touching) < 0.25 * sum(len(page.digits) for page in pages)
    for page in pages:
        for one, other in zip(page.digits, page.digits[1:], strict=False):
            if one.line == other.line and one.touching and other.touching:
                continue
            assert one.line != other.line or other.box[0] - one.box[2] >= -0.45 * (other.box[2] - other.box[0])


def test_skew_is_drawn_within_its_limits(digits):
    skews = [make_page(*digits, seed=seed).skew for seed in range(8)]
    assert max(map(abs, skews)) <= MAX_SKEW
    assert min(skews) < 0 < max(skews)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_has_its_polarity(digits, paper):
    page = make_page(*digits, seed=9, skew=0.0, paper=paper)
    assert page.paper == paper
    gray = page.picture.mean(axis=2)
    ring = next(digit for digit in page.digits if digit.label == 0)
    left, top, right, bottom = (round(side) for side in ring.box)
    middle = gray[(top + bottom) // 2, (left + right) // 2]
    strokes = np.percentile(gray[top:bottom, left:right], 90 if paper == "board" else 10)
    assert (strokes > middle) == (paper == "board")
