"""The registry of formats, and npz archives."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from jaxdigits.data.formats import FORMATS, split_of
from jaxdigits.data.samples import Dataset
from jaxdigits.errors import DatasetError

X = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
Y = np.array([7, 0, 9], dtype=np.uint8)


def read_npz(path: Path, split: str | None = None) -> Dataset:
    return FORMATS["npz"].read(path, split)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("t10k-images.idx3-ubyte", "test"),
        ("emnist-digits-train-images-idx3-ubyte.gz", "train"),
        ("MNIST_Test.csv", "test"),
        ("training", "train"),
        ("latest.csv", None),
        ("trained", None),
    ],
)
def test_split_is_told_by_whole_words(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize("names", [("X", "y"), ("x", "Y"), ("images", "labels"), ("data", "target")])
def test_npz_is_read_under_common_names(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez_compressed(tmp_path / "a.npz", **dict(zip(names, (X, Y), strict=True)), target_names=np.arange(10))
    dataset = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.y, Y)
    assert dataset.y.dtype == np.int64


@pytest.mark.parametrize("pattern", ["{}_{}", "{1}_{0}"])
def test_npz_with_splits_reads_the_one_asked_for(tmp_path: Path, pattern: str) -> None:
    path = tmp_path / "a.npz"
    arrays = {("x", "train"): X, ("y", "train"): Y, ("x", "test"): X[:2] + 1, ("y", "test"): Y[:2]}
    np.savez(path, **{pattern.format(*names): array for names, array in arrays.items()})
    np.testing.assert_array_equal(read_npz(path).X, X)
    np.testing.assert_array_equal(read_npz(path, "train").X, X)
    test = read_npz(path, "test")
    np.testing.assert_array_equal(test.X, X[:2] + 1)
    np.testing.assert_array_equal(test.y, Y[:2])


def test_npz_may_lack_labels_or_hold_a_channel_axis(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=X[..., None])
    dataset = read_npz(tmp_path / "a.npz")
    assert dataset.X.shape == X.shape
    assert dataset.y is None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(np.array(["a", "b", "a"]), ["a", "b", "a"]), (np.array([1.0, 0.0, 3.0]), [1, 0, 3])],
)
def test_npz_keeps_labels_of_text_and_makes_whole_numbers_integers(
    tmp_path: Path, labels: np.ndarray, expected: list[object]
) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=labels)
    assert read_npz(tmp_path / "a.npz").y.tolist() == expected


@pytest.mark.parametrize(
    ("arrays", "split", "message"),
    [
        (
            {"arr_0": X, "arr_1": Y},
            None,
            r"holds arrays arr_0, arr_1, expected one named X.*savez\(path, X=X, y=y\)",
        ),
        ({"X": X, "y": Y}, "test", "expected one named X.*x_test"),
        ({"X": X, "images": X}, None, "arrays X, images hold the same thing"),
        ({"X": X, "y": Y[:2]}, None, r"labels have shape \(2,\), expected \(3,\)"),
        ({"X": X, "y": np.eye(3)}, None, "argmax"),
        ({"X": X, "y": np.array([0, 0.5, 1])}, None, "labels of dtype float64, expected whole numbers"),
        ({"X": X, "y": np.array([0, np.nan, 1])}, None, "labels of dtype float64, expected whole numbers"),
        ({"X": np.zeros((2, 3, 3, 3))}, None, r"shape \(2, 3, 3, 3\)"),
        ({"X": np.zeros((0, 28, 28))}, None, r"shape \(0, 28, 28\)"),
        ({"X": np.array([{}, None])}, None, "not a readable npz archive of plain arrays"),
    ],
)
def test_npz_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, arrays: dict[str, np.ndarray], split: str | None, message: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DatasetError, match=message) as caught:
        read_npz(tmp_path / "a.npz", split)
    assert str(caught.value).startswith(str(tmp_path / "a.npz"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "text", "npy", "member"])
def test_broken_npz_is_told_in_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, X=np.random.default_rng(0).random((50, 8)))
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "text":
        path.write_text("hello")
    elif damage == "npy":
        with path.open("wb") as file:
            np.save(file, X)
    else:
        with zipfile.ZipFile(path) as archive:
            start = archive.getinfo("X.npy").header_offset
        content[start + 200 : start + 220] = bytes(20)
        path.write_bytes(content)
    with pytest.raises(DatasetError, match="not a readable npz archive") as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)


def test_every_format_says_what_it_looks_like_and_passes_over_an_empty_folder(tmp_path: Path) -> None:
    for known in FORMATS.values():
        assert known.description
        assert known.find(tmp_path) == []
