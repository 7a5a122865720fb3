import numpy as np
import pytest

from benchmarks.variants import SHARES, VARIANTS, vary, write_variant


def draw(*boxes):
    image = np.zeros((28, 28), np.uint8)
    for top, bottom, left, right in boxes:
        image[top:bottom, left:right] = 255
    return image


ONE = draw((4, 24, 13, 16))
FOUR = draw((4, 14, 6, 9), (4, 24, 15, 18), (12, 15, 6, 22))
SEVEN = draw((4, 7, 8, 20), (7, 24, 17, 20))


@pytest.mark.parametrize(("label", "image"), [(1, ONE), (4, FOUR), (7, SEVEN)])
def test_a_variant_adds_ink_and_takes_none(label, image):
    varied = write_variant(image, label, np.random.default_rng(0))
    assert (varied >= image).all()
    assert (varied > image).any()
    assert varied.dtype == np.uint8


def test_a_four_is_closed_at_the_top():
    assert write_variant(FOUR, 4, np.random.default_rng(0))[4:6, 10:14].min() > 127


def test_a_four_whose_bar_ends_at_the_stem_stays_open():
    nine_like = draw((4, 14, 6, 9), (4, 24, 15, 18), (12, 15, 6, 18))
    assert (write_variant(nine_like, 4, np.random.default_rng(0)) == nine_like).all()


def test_a_one_gets_its_upstroke_on_the_left():
    varied = write_variant(ONE, 1, np.random.default_rng(0))
    assert varied[:, :12].any()
    assert not varied[8:20, 18:].any()


def test_a_seven_is_crossed_in_the_middle():
    added = np.flatnonzero((write_variant(SEVEN, 7, np.random.default_rng(0)) != SEVEN).any(axis=1))
    assert added.min() > 8
    assert added.max() < 20


def test_digits_without_a_variant_stay():
    assert (write_variant(ONE, 0, np.random.default_rng(0)) == ONE).all()
    assert set(SHARES) == set(VARIANTS)


def test_a_share_is_varied_and_the_rest_left_alone():
    images, labels = np.stack([ONE] * 200 + [SEVEN] * 200), np.repeat([1, 5], 200)
    varied = vary(images, labels, np.random.default_rng(0))
    changed = (varied != images).any(axis=(1, 2))
    assert 0.2 < changed[:200].mean() < 0.4
    assert not changed[200:].any()
    assert (vary(images, labels, np.random.default_rng(0)) == varied).all()
