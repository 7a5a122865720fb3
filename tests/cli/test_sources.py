"""Tests of jaxdigits.cli.sources."""

import gzip

import numpy as np
import pytest

from jaxdigits.cli.sources import KNOWN, Source, choose_split, open_source, white_of, with_light_ink
from jaxdigits.errors import DatasetError, InputError


@pytest.mark.usefixtures("npz")
def test_a_file_is_read_from_where_it_is(digits):
    with open_source("digits.npz") as source:
        assert (source.name, source.splits) == ("digits.npz", ())
        np.testing.assert_array_equal(source.read().X, digits[0])


def test_a_file_comes_before_a_known_data_set_of_its_name(folder):
    (folder / "mnist").mkdir()
    with open_source("mnist") as source:
        assert source.path is not None
    with open_source("digits") as source:
        assert source.path is None


@pytest.mark.parametrize("kind", ["csv", "gz", "npz"])
def test_standard_input_is_told_by_how_it_begins_and_can_be_read_twice(folder, digits, pipe, kind):
    X = digits[0][:5]
    np.savez("a.npz", X=X)
    np.savetxt("a.csv", X.reshape(5, -1), fmt="%d", delimiter=",")
    (folder / "a.gz").write_bytes(gzip.compress((folder / "a.csv").read_bytes()))
    pipe((folder / f"a.{kind}").read_bytes())
    with open_source("-") as source:
        place = source.path
        for _ in range(2):
            np.testing.assert_array_equal(source.read().X.reshape(5, -1), X.reshape(5, -1))
    assert not place.exists()


def test_errors_speak_of_standard_input(pipe):
    pipe(b"label,a\n1,x\n")
    with open_source("-") as source, pytest.raises(DatasetError, match=r"^standard input: row 2, column 2"):
        source.read()


def test_standard_input_without_anything_is_refused(pipe):
    pipe(b"")
    with pytest.raises(DatasetError, match="standard input is empty"), open_source("-"):
        pass


def test_what_is_not_there_is_told_with_the_names_there_are():
    with pytest.raises(DatasetError, match="Check the path, or use one of digits, mnist"), open_source("mnits"):
        pass
    with pytest.raises(DatasetError, match=r"no/file\.csv: no such file or folder\. Check the path\.$"):
        open_source("no/file.csv").__enter__()


@pytest.mark.usefixtures("folder")
def test_the_test_set_is_chosen_where_there_is_one(digits):
    X, y = digits
    np.savez("both.npz", x_train=X[:9], y_train=y[:9], x_test=X[9:12], y_test=y[9:12])
    with open_source("both.npz") as source:
        assert source.splits == ("train", "test")
        assert choose_split(source, None) == "test"
        assert choose_split(source, "train") == "train"
        assert len(source.read("test")) == 3
        assert len(source.read()) == 9


def test_a_known_data_set_without_splits_has_none_to_choose():
    with pytest.raises(InputError, match="digits has no test set"):
        Source("digits", None).read("test")


def test_mnist_is_known_by_its_splits(mnist_folder):
    assert mnist_folder.is_dir()
    source = Source("mnist", None)
    assert source.splits == ("train", "test")
    assert source.read("test").X.shape == (10000, 28, 28)
    assert set(KNOWN) == {"digits", "mnist"}


@pytest.mark.parametrize("layout", ["images", "rows"])
@pytest.mark.parametrize(("factor", "dtype"), [(1, np.uint8), (15, np.uint8), (1 / 16, np.float64)])
def test_dark_ink_is_turned_light_in_its_own_range(digits, layout, factor, dtype):
    light = (digits[0] * factor).astype(dtype)
    white = {1: 16, 15: 255, 1 / 16: 1}[factor]
    dark = (white - light).astype(dtype)
    if layout == "rows":
        light, dark = light.reshape(len(light), -1), dark.reshape(len(dark), -1)
    turned, inverted = with_light_ink(dark)
    assert inverted
    assert turned.dtype == dtype
    np.testing.assert_allclose(turned, light)
    same, inverted = with_light_ink(light)
    assert not inverted
    assert same is light


@pytest.mark.parametrize(("paper", "light"), [(255, True), (0, False)])
def test_the_borders_of_all_images_together_tell_the_paper(paper, light):
    X = np.full((3, 28, 28), paper, np.uint8)
    X[:, 8:20, 8:20] = 255 - paper
    X[0] = 128
    assert with_light_ink(X)[1] is light


@pytest.mark.parametrize(
    ("values", "white"), [([0, 1], 1), ([0.5, 16], 16), ([0, 17], 255), ([256], 65535), ([70000], None), ([-1], None)]
)
def test_white_is_the_least_that_holds_all_levels(values, white):
    assert white_of(np.array(values)) == white


def test_what_is_no_picture_is_left_alone():
    for X in (np.full((3, 7), 9), np.full((3, 64), -1.0), np.full((3, 8, 8), -1.0)):
        assert with_light_ink(X) == (X, False)
