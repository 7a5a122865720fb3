"""Tests of jaxdigits.transformer: any pictures in, canonical images out, wherever scikit-learn puts it."""

from __future__ import annotations

import io
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator_cloneable, check_estimator_repr
from sklearn.utils.validation import check_is_fitted

from jaxdigits import DigitClassifier, DigitImages
from jaxdigits.data.images import canonical_digit
from jaxdigits.errors import DatasetError, InputError


def draw(image, *, scale=6):
    """Draw an 8x8 digit enlarged, dark on white, with a margin."""
    ink = Image.fromarray(np.pad(np.rint(image * (255 / 16)).astype(np.uint8), 2))
    return 255 - np.asarray(ink.resize((12 * scale, 12 * scale), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(n_class=3, return_X_y=True)
    return [draw(row.reshape(8, 8)) for row in X[:60]], y[:60]


@pytest.fixture
def paths(digits, tmp_path):
    paths = [tmp_path / f"{index}.png" for index in range(len(digits[0]))]
    for path, picture in zip(paths, digits[0], strict=True):
        Image.fromarray(picture).save(path)
    return paths


def as_bytes(picture):
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, format="PNG")
    return encoded.getvalue()


def as_objects(pictures):
    objects = np.empty(len(pictures), dtype=object)
    objects[:] = pictures
    return objects


def test_pictures_become_canonical_images(digits):
    images = DigitImages().fit_transform(digits[0])
    assert (images.shape, images.dtype) == ((60, 28, 28), np.float32)
    np.testing.assert_array_equal(images, [canonical_digit(picture)[0] for picture in digits[0]])


@pytest.mark.parametrize(
    "wrap",
    [
        tuple,
        np.array,
        lambda pictures: np.array(pictures)[..., None],
        lambda pictures: np.stack([pictures] * 3, axis=-1),
        as_objects,
        lambda pictures: [as_bytes(picture) for picture in pictures],
        lambda pictures: [Image.fromarray(picture) for picture in pictures],
        lambda pictures: as_objects([as_bytes(pictures[0]), *pictures[1:]]),
        lambda pictures: [pictures[0], as_bytes(pictures[1]), Image.fromarray(pictures[2]), *pictures[3:]],
    ],
    ids=["tuple", "array", "1 channel", "3 channels", "objects", "bytes", "Pillow", "objects of bytes", "mixed"],
)
def test_the_kind_of_picture_and_sequence_does_not_matter(digits, wrap):
    pictures = digits[0][:5]
    np.testing.assert_allclose(DigitImages().transform(wrap(pictures)), DigitImages().transform(pictures), atol=1e-6)


@pytest.mark.parametrize(
    "wrap",
    [
        list,
        lambda paths: list(map(str, paths)),
        lambda paths: np.array(list(map(str, paths))),
        lambda paths: np.array(list(map(str, paths)))[:, None],
        lambda paths: pd.Series(list(map(str, paths)), index=range(7, 7 + len(paths))),
        lambda paths: pd.DataFrame({"file": list(map(str, paths))}),
    ],
    ids=["paths", "names", "array", "column", "Series", "DataFrame"],
)
def test_files_are_read_however_they_are_listed(digits, paths, wrap):
    np.testing.assert_array_equal(DigitImages().transform(wrap(paths)), DigitImages().transform(digits[0]))


def test_pictures_of_different_sizes_go_together(digits):
    images = DigitImages().transform([digits[0][0], np.kron(digits[0][1], np.ones((3, 3), np.uint8))])
    assert images.shape == (2, 28, 28)


def test_it_needs_no_fit_and_keeps_nothing(digits):
    transformer = DigitImages()
    check_is_fitted(transformer)
    assert transformer.fit(None) is transformer
    transformer.transform(digits[0][:2])
    assert vars(transformer) == {}
    tags = get_tags(transformer)
    assert (tags.requires_fit, tags.no_validation, tags.input_tags.three_d_array) == (False, True, True)


def test_it_is_cloned_pickled_and_shown(digits):
    for copied in (clone(DigitImages()), pickle.loads(pickle.dumps(DigitImages()))):
        np.testing.assert_array_equal(copied.transform(digits[0][:1]), DigitImages().transform(digits[0][:1]))
    check_estimator_cloneable("DigitImages", DigitImages())
    check_estimator_repr("DigitImages", DigitImages())


@pytest.mark.parametrize("kind", ["paths", "objects", "bytes", "Pillow"])
def test_a_pipeline_is_cross_validated_on_pictures(digits, paths, kind):
    pictures, y = digits
    X = {
        "paths": paths,
        "objects": as_objects(pictures),
        "bytes": [as_bytes(picture) for picture in pictures],
        "Pillow": [Image.fromarray(picture) for picture in pictures],
    }[kind]
    reader = make_pipeline(DigitImages(), DigitClassifier(model="linear", max_epochs=20, random_state=0))
    assert cross_val_score(reader, X, y, cv=2).min() > 0.8


def test_a_pipeline_is_grid_searched_on_a_users_own_scans(digits, paths):
    reader = make_pipeline(DigitImages(), DigitClassifier(model="linear", max_epochs=15, random_state=0))
    search = GridSearchCV(reader, {"digitclassifier__learning_rate": [1e-5, 0.01]}, cv=2).fit(paths, digits[1])
    assert search.best_params_ == {"digitclassifier__learning_rate": 0.01}
    assert search.predict(paths[:2]).tolist() == digits[1][:2].tolist()
    assert search.score(digits[0], digits[1]) > 0.9


def test_the_classifier_behind_it_sees_images(digits):
    reader = make_pipeline(DigitImages(), DigitClassifier(model="linear", max_epochs=1)).fit(*digits)
    assert reader[-1].image_shape_ == (28, 28)


# ---- what can go wrong ----


def test_blank_pictures_become_zeros_and_one_warning_counts_them(digits):
    blank = np.full((40, 40), 255, np.uint8)
    with pytest.warns(UserWarning, match=r"2 of 3 pictures hold nothing to read .* the first is X\[1\]") as caught:
        images = DigitImages().transform([digits[0][0], blank, blank])
    assert len(caught) == 1
    assert images[0].any()
    assert not images[1:].any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DigitImages().transform(digits[0][:1])


@pytest.mark.parametrize(
    ("spoil", "error", "match"),
    [
        (lambda path: path.write_bytes(b"Dear all"), DatasetError, r"X\[1\]: .*1\.png"),
        (lambda path: path.unlink(), DatasetError, r"X\[1\]: .*1\.png"),
    ],
)
def test_a_file_that_is_no_picture_is_named(paths, spoil, error, match):
    spoil(paths[1])
    with pytest.raises(error, match=match) as caught:
        DigitImages().transform(paths[:3])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [b"Dear all", 7, None, np.zeros(5), np.full((20, 20), np.nan), [[1, 2], [3]], "a" * 9]
)
def test_something_that_is_no_picture_is_named_by_its_place(digits, wrong):
    with pytest.raises(InputError, match=r"^X\[2\]: ") as caught:
        DigitImages().transform([*digits[0][:2], wrong])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        ("seven.png", "sequence of pictures, got str"),
        (b"\x89PNG", "sequence of pictures, got bytes"),
        (7, "sequence of pictures, got int"),
        (Image.new("L", (20, 20)), "sequence of pictures, got Image"),
        (np.zeros((28, 28)), r"got \(28, 28\)"),
        (np.zeros((3, 784)), r"X\.reshape\(-1, h, w\)"),
        (np.zeros((1, 2, 3, 4, 5)), r"got \(1, 2, 3, 4, 5\)"),
        ([], "at least one picture"),
        (np.zeros((0, 28, 28)), "at least one picture"),
    ],
)
def test_what_is_no_sequence_of_pictures_is_refused(X, match):
    with pytest.raises(InputError, match=match) as caught:
        DigitImages().transform(X)
    assert "\n" not in str(caught.value)
