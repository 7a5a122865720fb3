import re
import tracemalloc

import numpy as np
import pytest

from jaxdigits.core.inputs import (
    InputView,
    check_augment,
    fit_normalization,
    is_ink_on_paper,
    looks_like_images,
    range_mismatch,
    square_canvas,
    view_input,
)
from jaxdigits.errors import InputError


def make_rows(kind, n_features, n=20):
    generator = np.random.default_rng(0)
    whole = generator.integers(0, 200, (n, n_features))
    rows = {
        "bytes": whole.astype(np.uint8),
        "bits": whole > 100,
        "integers": whole,
        "whole floats": whole.astype(np.float32),
        "unit interval": (whole / 255).astype(np.float32),
        "fractions": whole + 0.5,
        "negative integers": whole - 50,
        "standardized": generator.normal(size=(n, n_features)),
        "blank": np.zeros((n, n_features)),
    }[kind]
    if n and kind != "blank":
        rows[0, 0] = {"unit interval": 0.9, "standardized": -1.2, "negative integers": -9}.get(kind, rows[0, 0])
    return rows


PIXELS = ["bytes", "bits", "integers", "whole floats", "unit interval", "blank"]
OTHERS = ["fractions", "negative integers", "standardized"]


@pytest.mark.parametrize("kind", PIXELS + OTHERS)
@pytest.mark.parametrize("n_features", [64, 81, 784])
def test_square_rows_of_pixel_values_look_like_images(kind, n_features):
    assert looks_like_images(make_rows(kind, n_features)) is (kind in PIXELS)


@pytest.mark.parametrize("n_features", [1, 4, 49, 63, 65, 100 - 1, 783])
def test_other_widths_never_do(n_features):
    assert not looks_like_images(make_rows("bytes", n_features))


def test_no_rows_do_not_look_like_images():
    assert not looks_like_images(np.zeros((0, 64)))


VIEWS = [
    # what, columns, image_shape, given_shape -> image_shape, pixel_range
    ("bytes", 64, "auto", None, (8, 8), (0.0, 255.0)),
    ("unit interval", 784, "auto", None, (28, 28), (0.0, 1.0)),
    ("standardized", 64, "auto", None, None, None),
    ("bytes", 63, "auto", None, None, None),
    ("bytes", 64, None, None, None, None),
    ("bytes", 64, None, (8, 8), None, None),
    ("bytes", 63, (7, 9), None, (7, 9), (0.0, 255.0)),
    ("bytes", 64, (4, 16), None, (4, 16), (0.0, 255.0)),
    ("bytes", 64, [16, 4], (8, 8), (16, 4), (0.0, 255.0)),
    ("bytes", 63, "auto", (9, 7), (9, 7), (0.0, 255.0)),
    ("standardized", 63, "auto", (9, 7), (9, 7), None),
    ("standardized", 64, (8, 8), None, (8, 8), None),
    ("fractions", 64, (8, 8), None, (8, 8), (0.0, 255.0)),
    ("blank", 64, "auto", None, (8, 8), (0.0, 1.0)),
]


@pytest.mark.parametrize(("kind", "n_features", "image_shape", "given_shape", "shape", "pixel_range"), VIEWS)
def test_view(kind, n_features, image_shape, given_shape, shape, pixel_range):
    rows = make_rows(kind, n_features)
    assert view_input(rows, image_shape=image_shape, given_shape=given_shape) == InputView(shape, pixel_range)


@pytest.mark.parametrize(
    ("top", "white"), [(0.3, 1), (1, 1), (2, 16), (16, 16), (17, 255), (255, 255), (300, 65_535), (65_535, 65_535)]
)
def test_pixel_range_ends_at_the_next_common_white(top, white):
    rows = np.zeros((2, 64))
    rows[0, 3] = top
    assert view_input(rows, image_shape=(8, 8), given_shape=None).pixel_range == (0.0, white)


def test_values_beyond_any_white_are_no_pixels():
    rows = np.full((2, 64), 70_000)
    assert view_input(rows, image_shape="auto", given_shape=None) == InputView((8, 8), None)


def test_a_shape_that_holds_another_number_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"hold the 64 features of a row, got \(8, 9\) = 72\. Use") as caught:
        view_input(make_rows("bytes", 64), image_shape=(8, 9), given_shape=None)
    assert "\n" not in str(caught.value)


def normalize(rows, weights, view):
    offset, scale = fit_normalization(rows, weights, view)
    assert offset.dtype == scale.dtype == np.float32
    return (rows.astype(np.float64) - offset) * scale


def test_pixels_become_ink_between_zero_and_one_whatever_the_data():
    view = InputView((8, 8), (0.0, 255.0))
    offset, scale = fit_normalization(make_rows("bytes", 64), np.ones(20), view)
    assert (offset.tolist(), scale.tolist()) == ([0.0], [pytest.approx(1 / 255)])


def test_tabular_columns_get_weighted_mean_zero_and_deviation_one():
    rows = make_rows("standardized", 5) * [1, 10, 1e-3, 1e6, 5] + [0, 1000, 1, 1e6, -5]
    weights = np.random.default_rng(1).uniform(0.1, 2, 20).astype(np.float32)
    found = normalize(rows, weights, InputView(None, None))
    np.testing.assert_allclose(np.average(found, axis=0, weights=weights), 0, atol=1e-4)
    np.testing.assert_allclose(np.average(found**2, axis=0, weights=weights), 1, rtol=1e-4)


def test_many_rows_are_taken_block_by_block():
    generator = np.random.default_rng(2)
    rows = generator.integers(0, 256, (10_000, 40), dtype=np.uint8)
    weights = generator.uniform(0.1, 2, len(rows))
    tracemalloc.start()
    try:
        offset, scale = fit_normalization(rows, weights, InputView(None, None))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    mean = np.average(rows, axis=0, weights=weights)
    np.testing.assert_allclose(offset, mean, rtol=1e-6)
    np.testing.assert_allclose(scale, np.average((rows - mean) ** 2, axis=0, weights=weights) ** -0.5, rtol=1e-6)
    assert most < 8 * rows.size  # less than float64 copies of all rows


def test_other_pictures_get_one_mean_and_deviation_over_all_pixels():
    rows = make_rows("standardized", 64) * np.linspace(1, 4, 64) + np.linspace(-9, 5, 64)
    offset, scale = fit_normalization(rows, np.ones(20), InputView((8, 8), None))
    assert offset.shape == scale.shape == (1,)
    assert offset[0] == pytest.approx(rows.mean(), rel=1e-5)
    assert scale[0] == pytest.approx(1 / rows.std(), rel=1e-5)


def test_a_constant_column_is_centered_and_not_blown_up():
    rows = np.column_stack([np.full(20, 0.1), np.zeros(20), np.arange(20.0)]).astype(np.float32)
    offset, scale = fit_normalization(rows, np.ones(20), InputView(None, None))
    assert scale[:2].tolist() == [1, 1]
    assert offset[:2].tolist() == pytest.approx([0.1, 0])


@pytest.mark.parametrize(("n_features", "side"), [(1, 8), (64, 8), (65, 9), (81, 9), (82, 10), (784, 28), (785, 29)])
def test_square_canvas_is_the_smallest_that_holds_the_features(n_features, side):
    assert square_canvas(n_features) == (side, side)


@pytest.mark.parametrize(
    ("low", "high", "fitted", "says"),
    [
        (0, 255, 255.0, None),
        (0, 200, 255.0, None),
        (0, 0, 255.0, None),
        (0, 1, 1.0, None),
        (0, 0.4, 1.0, None),
        (0, 1, 255.0, "X lies in 0 to 1, .* from 0 to 255"),
        (0, 255, 1.0, "X lies in 0 to 255, .* from 0 to 1"),
        (0, 16, 255.0, "X lies in 0 to 16"),
        (-1, 200, 255.0, "X lies in -1 to 200"),
        (0, 65_535, 255.0, "X lies in 0 to 65535"),
    ],
)
def test_a_batch_of_another_range_is_named_in_one_line(low, high, fitted, says):
    message = range_mismatch(np.array([[low, high, low]]), (0.0, fitted))
    if says is None:
        assert message is None
    else:
        assert "\n" not in message
        assert re.search(says, message)


def test_no_rows_are_in_any_range():
    assert range_mismatch(np.zeros((0, 4)), (0.0, 1.0)) is None


INK = np.eye(8, dtype=np.float32).reshape(1, 64)


@pytest.mark.parametrize(
    ("rows", "pixel_range", "found"),
    [
        (INK, (0.0, 1.0), True),
        (255 * INK, (0.0, 255.0), True),
        (1 - INK, (0.0, 1.0), False),
        (INK, None, False),
        (INK[:0], (0.0, 1.0), False),
    ],
)
def test_ink_on_paper_is_bright_on_dark(rows, pixel_range, found):
    assert is_ink_on_paper(rows, InputView((8, 8), pixel_range)) is found


def test_only_pictures_of_pixels_are_augmented():
    check_augment((), InputView(None, None))
    check_augment(("shift",), InputView((8, 8), (0.0, 16.0)))
    for view in (InputView(None, None), InputView((8, 8), None)):
        with pytest.raises(
            InputError, match=r"augment must be None where rows are no pictures .*\('shift',\)"
        ) as caught:
            check_augment(("shift",), view)
        assert "\n" not in str(caught.value)
