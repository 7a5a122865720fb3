"""What the estimator accepts, and what its parts make of it; whole fits are tested in test_estimator."""

import inspect

import numpy as np
import pytest
from scipy import sparse

from jaxdigits import DigitClassifier
from jaxdigits.core.augmentation import AUGMENTATIONS
from jaxdigits.core.models import MODELS
from jaxdigits.errors import InputError
from jaxdigits.validation import (
    check_members,
    check_same_shape,
    check_weights,
    class_factors,
    encode_classes,
    flatten_pictures,
    parameter_constraints,
    picture_shape,
    split_indices,
    to_rows,
)


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        (np.zeros((5, 6)), None),
        (np.zeros((5, 2, 3)), (2, 3)),
        (np.zeros((5, 2, 3, 1)), (2, 3)),
        ([np.zeros((2, 3))], (2, 3)),
        ([[[0, 0, 0], [0, 0, 0]]], (2, 3)),
        ([[0, 0]], None),
        ([], None),
        (sparse.csr_matrix((5, 6)), None),
        ("text", None),
        (np.zeros(5), None),
        (np.zeros((5, 1, 1, 1, 1)), None),
    ],
)
def test_pictures_are_told_by_their_dimensions(X, shape):
    assert picture_shape(X) == shape


def test_colors_are_refused():
    with pytest.raises(InputError, match=r"got \(5, 2, 3, 3\)"):
        picture_shape(np.zeros((5, 2, 3, 3)))


def test_flattening_is_a_view_and_leaves_the_rest_alone():
    pictures = np.arange(12).reshape(2, 2, 3)
    assert np.shares_memory(flatten_pictures(pictures), pictures)
    np.testing.assert_array_equal(flatten_pictures(list(pictures)), np.arange(12).reshape(2, 6))
    rows = [[1, 2], [3, 4]]
    assert flatten_pictures(rows) is rows


def test_pictures_of_several_shapes_are_refused():
    with pytest.raises(InputError, match=r"one shape, got \(2, 3\), \(3, 2\)"):
        flatten_pictures([np.zeros((2, 3)), np.zeros((3, 2))])


@pytest.mark.parametrize(
    ("X", "image_shape", "fits"),
    [
        (np.zeros((1, 4, 16)), (8, 8), False),
        (np.zeros((1, 8, 8)), (8, 8), True),
        (np.zeros((1, 64)), (8, 8), True),
        (np.zeros((1, 4, 16)), None, True),
        (np.zeros((1, 5, 5)), (8, 8), True),  # another number of pixels: validate_data says that better
    ],
)
def test_pictures_of_another_shape_than_in_fit_are_refused(X, image_shape, fits):
    if fits:
        check_same_shape(X, image_shape, 64)
    else:
        with pytest.raises(InputError, match=r"shape \(8, 8\) as in fit, got \(4, 16\)"):
            check_same_shape(X, image_shape, 64)


def test_rows_on_a_canvas_may_come_in_any_shape():
    check_same_shape(np.zeros((1, 5, 6)), (8, 8), 30)


@pytest.mark.parametrize(
    ("X", "dtype"),
    [
        (np.array([[1, 2]], np.uint8), np.uint8),
        (np.array([[1, 2]]), np.float32),
        (np.array([[1.5, 2]]), np.float32),
        (np.array([[True, False]]), np.float32),
        (sparse.csr_matrix(np.array([[1, 2]])), np.float32),
        (np.asfortranarray(np.ones((3, 2), np.float32)), np.float32),
    ],
)
def test_rows_are_dense_and_small(X, dtype):
    rows = to_rows(X)
    assert rows.dtype == dtype
    assert rows.flags.c_contiguous
    np.testing.assert_array_equal(rows, X.toarray() if sparse.issparse(X) else X)


def test_numbers_beyond_float32_are_refused():
    with pytest.raises(InputError, match="X must fit float32"):
        to_rows(np.array([[1e39]]))


def test_weights_become_float64_and_their_own():
    given = np.array([1, 0, 2])
    weights = check_weights(given, np.zeros((3, 1)))
    assert weights.dtype == np.float64
    assert not np.shares_memory(weights, given)
    assert check_weights(None, np.zeros((3, 1))) is None
    np.testing.assert_array_equal(check_weights(2.0, np.zeros((3, 1))), [2, 2, 2])


@pytest.mark.parametrize("weights", [[0, 0, 0], [1, -1, 1], [1, 1], [1, np.nan, 1], [[1], [1], [1]]], ids=str)
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(ValueError, match=r"[Ww]eight"):
        check_weights(np.array(weights), np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("y", "classes", "expected"),
    [
        (np.array(["b", "a"]), np.array(["a", "b"]), [1, 0]),
        (np.array([7, 7, -1]), np.array([-1, 3, 7]), [2, 2, 0]),
        (np.array([], int), np.array([1, 2]), []),
    ],
)
def test_labels_become_positions(y, classes, expected):
    assert encode_classes(y, classes).tolist() == expected


@pytest.mark.parametrize("y", [np.array([1, 5]), np.array([0, 9]), np.array(["1", "2"])])
def test_unknown_labels_are_named(y):
    with pytest.raises(InputError, match=r"^y_val must hold known classes, \[1, 2\], got \["):
        encode_classes(y, np.array([1, 2]), name="y_val")


def test_class_weights_follow_the_classes():
    np.testing.assert_array_equal(class_factors({"a": 2, "z": 9}, np.array(["a", "b"])), [2.0, 1.0])
    assert class_factors("balanced", np.array([0, 1])) == "balanced"
    assert class_factors(None, np.array([0, 1])) is None


@pytest.mark.parametrize(
    ("labels", "fraction"),
    [(np.repeat(np.arange(4), 10), 0.2), (np.array([0] * 30 + [1]), 0.1), (np.arange(9), 0.3), (np.zeros(2, int), 0.1)],
    ids=["balanced", "a lonely class", "all lonely", "two samples"],
)
def test_a_split_uses_every_sample_once(labels, fraction):
    training, validation = split_indices(labels, fraction, 0)
    assert sorted([*training, *validation]) == list(range(len(labels)))
    assert len(validation) == np.ceil(fraction * len(labels))
    np.testing.assert_array_equal(split_indices(labels, fraction, 0)[1], validation)


def test_a_split_keeps_the_shares_of_classes_where_it_can():
    labels = np.repeat(np.arange(4), 10)
    assert np.bincount(labels[split_indices(labels, 0.2, 0)[1]]).tolist() == [2, 2, 2, 2]


def test_one_sample_cannot_be_split():
    with pytest.raises(InputError, match="2 different samples or more"):
        split_indices(np.zeros(1, int), 0.1, 0)


def test_every_parameter_is_constrained():
    constraints = parameter_constraints()
    assert constraints.keys() == inspect.signature(DigitClassifier).parameters.keys()
    assert set(MODELS) < constraints["model"][0].options
    assert set(AUGMENTATIONS) < constraints["augment"][0].options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_sizes", (0,)),
        ("hidden_sizes", (True,)),
        ("hidden_sizes", ("8",)),
        ("channels", [8, -8]),
        ("channels", (2.0,)),
        ("augment", "turn"),
        ("augment", ["shift", 3]),
        ("augment", ("auto",)),
        ("image_shape", (8,)),
        ("image_shape", (0, 8)),
        ("class_weight", {0: -1}),
        ("class_weight", {0: "heavy"}),
        ("class_weight", {0: float("nan")}),
        ("class_weight", {0: float("inf")}),
    ],
)
def test_wrong_members_are_named(name, value):
    with pytest.raises(InputError, match=f"^{name} must .*got ") as caught:
        check_members(DigitClassifier().get_params() | {name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_sizes", ()),
        ("augment", None),
        ("augment", ["shift", len]),
        ("augment", len),
        ("channels", [np.int64(8)]),
        ("image_shape", None),
        ("class_weight", {"a": 0, "b": 2.5}),
    ],
)
def test_right_members_pass(name, value):
    check_members(DigitClassifier().get_params() | {name: value})
