"""Tests of jaxdigits.cli.inference."""

import numpy as np
import pytest

from jaxdigits.cli.inference import fit_arrays, open_model, read_samples
from jaxdigits.cli.sources import open_source
from jaxdigits.errors import InputError


@pytest.fixture
def model(model_file):
    return open_model(model_file)


def read(name, model, **options):
    with open_source(name) as source:
        return read_samples(source, model, **options)


@pytest.mark.usefixtures("folder")
def test_a_picture_is_one_sample_of_the_models_shape_and_range(model, save_picture, digits):
    save_picture("a.png", 3)
    samples = read("a.png", model)
    assert (samples.names, samples.labels, samples.split) == (["a.png"], None, None)
    np.testing.assert_allclose(samples.X[0] * digits[0][3].max() / 16, digits[0][3], atol=0.1)


@pytest.mark.usefixtures("folder")
def test_pictures_of_different_sizes_in_folders_by_label(model, save_picture):
    labels = [save_picture(f"set/{int(digit)}/{digit}.png", digit, scale=4 + digit) for digit in range(10)]
    samples = read("set", model)
    assert samples.X.shape == (10, 8, 8)
    assert samples.labels.tolist() == sorted(labels)
    assert samples.names[0].endswith("0.png")


@pytest.mark.usefixtures("folder")
def test_the_test_folder_is_read_where_there_are_two(model, save_picture):
    save_picture("set/train/0/a.png", 0)
    save_picture("set/test/1/b.png", 1)
    assert (read("set", model).labels.tolist(), read("set", model).split) == ([1], "test")
    assert read("set", model, split="train").labels.tolist() == [0]


@pytest.mark.usefixtures("npz")
def test_rows_are_named_by_file_and_number(model, digits):
    samples = read("digits.npz", model)
    assert samples.names[:2] == ["digits.npz:1", "digits.npz:2"]
    np.testing.assert_array_equal(samples.X, digits[0])


@pytest.mark.usefixtures("folder")
def test_a_model_of_rows_takes_them_as_they_are(row_model_file):
    model = open_model(row_model_file)
    X = np.full((2, 64), 200)
    assert fit_arrays(X, model, name="rows") == (X, False)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 63), "some holds rows of 63 numbers, but the model reads rows of 64 numbers"),
        ((2, 4, 16), "some holds images of 4 x 16, but the model reads images of 8 x 8"),
    ],
)
def test_samples_of_another_size_are_refused(model, shape, words):
    with pytest.raises(InputError, match=words):
        fit_arrays(np.zeros(shape), model, name="some")
