"""Tests of jaxdigits.data.resampling."""

import numpy as np
import pytest

from jaxdigits.data.resampling import SIDE, VIEWS, check_canonical, make_views, resize_canonical
from jaxdigits.errors import InputError


@pytest.fixture
def images():
    """Two strokes in the box of canonical images."""
    images = np.zeros((2, SIDE, SIDE), np.float32)
    images[0, 4:24, 13:15] = 1.0
    images[1, 12:16, 4:24] = 0.8
    return images


def middle_of(image):
    """Center of mass, in shares of the sides."""
    weights = image / image.sum()
    return [
        float((weights.sum(axis=axis) * (np.arange(size) + 0.5)).sum()) / size
        for axis, size in zip((1, 0), image.shape, strict=True)
    ]


# ---- what is canonical ----


@pytest.mark.parametrize("shape", [(2, 28, 28), (2, 784), (2, 28, 28, 1)])
def test_every_layout_and_both_ranges_come_to_one(images, shape):
    np.testing.assert_array_equal(check_canonical(images.astype(np.float64).reshape(shape)), images)
    levels = np.rint(255 * images).astype(np.uint8).reshape(shape)
    np.testing.assert_allclose(check_canonical(levels), images, atol=1e-6)
    assert check_canonical(levels).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda images: images * 255, "got float32 from 0 to 255"),
        (lambda images: images - 0.5, "got float32 from -0.5 to 0.5"),
        (lambda images: images * np.nan, "got float32 from nan to nan"),
        (lambda images: images.astype(np.int64), "got int64"),
        (lambda images: images > 0.5, "got bool"),
        (lambda images: images.astype(str), "got <U"),
        (lambda images: images[0], r"got \(28, 28\)"),
        (lambda images: images[:, 1:], r"got \(2, 27, 28\)"),
        (lambda images: images[:0], r"got \(0, 28, 28\)"),
        (lambda images: np.stack([images] * 3, axis=-1), r"got \(2, 28, 28, 3\)"),
    ],
)
def test_what_is_not_canonical_is_refused_in_one_line(images, change, match):
    with pytest.raises(InputError, match=match) as caught:
        check_canonical(change(images))
    assert "\n" not in str(caught.value)


# ---- other sizes ----


def test_the_canonical_size_is_left_as_it_is(images):
    np.testing.assert_array_equal(resize_canonical(images, (28, 28)), images)


@pytest.mark.parametrize("shape", [(8, 8), (16, 16), (20, 20)])
def test_small_images_are_filled_by_the_ink(images, shape):
    tall, wide = resize_canonical(images, shape)
    assert (tall.max(axis=1) > 0.1).all()
    assert (wide.max(axis=0) > 0.1).all()
    for image in (tall, wide):
        assert middle_of(image) == pytest.approx([0.5, 0.5], abs=1e-5)


def test_ink_that_stands_aside_is_filled_from_its_own_box(images):
    moved = np.roll(images, (3, -4), axis=(1, 2))
    np.testing.assert_allclose(resize_canonical(moved, (8, 8)), resize_canonical(images, (8, 8)), atol=1e-6)


def test_the_aspect_is_kept():
    square = np.zeros((1, SIDE, SIDE))
    square[0, 10:20, 10:20] = 1.0
    np.testing.assert_allclose(resize_canonical(square, (8, 8))[0], np.ones((8, 8)), atol=1e-6)
    filled = resize_canonical(square, (8, 16))[0]
    np.testing.assert_allclose(filled[:, 4:12], np.ones((8, 8)), atol=1e-6)
    assert not filled[:, [0, 1, 2, -3, -2, -1]].any()


def test_shrinking_takes_the_mean_of_what_a_pixel_covers():
    images = np.random.default_rng(0).uniform(0.6, 1, (1, SIDE, SIDE)).astype(np.float32)
    expected = images.reshape(1, 14, 2, 14, 2).mean(axis=(2, 4))  # all of it is ink, so its box is the whole
    np.testing.assert_allclose(resize_canonical(images, (14, 14)), expected, atol=1e-6)


def test_enlarging_interpolates_between_neighbors():
    images = np.random.default_rng(0).uniform(0, 1, (1, SIDE, SIDE)).astype(np.float32)
    rows = 0.75 * images[0, 10] + 0.25 * images[0, 11]  # at twice the size row 21 lies a quarter below row 10
    expected = 0.75 * rows[5] + 0.25 * rows[6]
    assert resize_canonical(images, (56, 56))[0, 21, 11] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(24, 24), (32, 32), (64, 40)])
def test_larger_images_keep_the_margin_and_the_middle(images, shape):
    for image in resize_canonical(images, shape):
        assert image.shape == shape
        assert middle_of(image) == pytest.approx([0.5, 0.5], abs=1e-5)
        margin = shape[0] // 10
        assert not image[:margin].any()
        assert not image[-margin:].any()
        assert image.max() == pytest.approx(images.max(), abs=0.21)


@pytest.mark.parametrize("side", [8, 20, 32])
def test_paper_stays_paper_and_nothing_leaves_the_range(side):
    assert not resize_canonical(np.zeros((1, SIDE, SIDE)), (side, side)).any()
    resized = resize_canonical(np.ones((1, SIDE, SIDE)), (side, side))
    assert 0.0 <= resized.min() <= resized.max() <= 1.0 + 1e-6


# ---- views ----


def test_the_first_view_is_the_image_itself_and_each_differs(images):
    views = make_views(images, len(VIEWS))
    assert views.shape == (len(VIEWS), 2, SIDE, SIDE)
    np.testing.assert_array_equal(views[0], images)
    for first in range(len(VIEWS)):
        for second in range(first):
            assert np.abs(views[first] - views[second]).max() > 0.1


def test_fewer_views_are_the_first_ones(images):
    np.testing.assert_array_equal(make_views(images, 3), make_views(images, 9)[:3])


def test_views_are_moved_and_scaled_as_listed(images):
    for (scale, down, right), view in zip(VIEWS, make_views(images, len(VIEWS)), strict=True):
        assert middle_of(view[0]) == pytest.approx([0.5 + down / SIDE, 0.5 + right / SIDE], abs=2e-3)
        assert view[0].sum() == pytest.approx(images[0].sum() * scale**2, rel=0.05)
        assert 0.0 <= view.min() <= view.max() <= 1.0 + 1e-6


@pytest.mark.parametrize("n_views", [0, 10, 1.0, True, None])
def test_a_number_of_views_that_there_is_not_is_refused(images, n_views):
    with pytest.raises(InputError, match="n_views must be an int from 1 to 9"):
        make_views(images, n_views)
