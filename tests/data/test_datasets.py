"""Data sets: the bundled digits, MNIST, and the formats told apart."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from jaxdigits.data import datasets, mnist
from jaxdigits.data.datasets import list_pictures, list_splits, load_digits, load_mnist, read_dataset
from jaxdigits.errors import DatasetError, InputError


def write_idx(path: Path, array: np.ndarray) -> bytes:
    """Write bytes down as an IDX file and return its contents."""
    content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return content


def write_small_mnist(folder: Path, level: int = 0) -> dict[str, str]:
    """Write four small files under MNIST's names; return their digests."""
    images, labels = np.full((2, 28, 28), level, np.uint8), np.array([3, 4], np.uint8)
    return {
        name: hashlib.sha256(write_idx(folder / name, images if "images" in name else labels)).hexdigest()
        for name in mnist.FILES
    }


def test_digits_are_those_of_scikit_learn() -> None:
    ours, theirs = load_digits(n_class=5), sklearn.datasets.load_digits(n_class=5)
    assert ours.keys() == theirs.keys()
    np.testing.assert_array_equal(ours.images, theirs.images)
    np.testing.assert_array_equal(ours.target, theirs.target)


def test_digits_come_as_a_pair_or_as_a_frame() -> None:
    X, y = load_digits(return_X_y=True, as_frame=True)
    assert X.shape == (1797, 64)
    assert list(X.columns[:2]) == ["pixel_0_0", "pixel_0_1"]
    assert y.name == "target"


@pytest.mark.parametrize("n_class", [0, 11, "ten"])
def test_digits_of_a_wrong_number_of_classes_are_refused(n_class: object) -> None:
    with pytest.raises(InputError, match="n_class"):
        load_digits(n_class=n_class)


def test_mnist_is_as_documented(mnist_folder: Path) -> None:
    X_train, X_test, y_train, y_test = load_mnist(folder=mnist_folder)
    assert X_train.shape == (60000, 28, 28)
    assert X_test.shape == (10000, 28, 28)
    assert X_train.dtype == X_test.dtype == np.uint8
    assert y_train.dtype == y_test.dtype == np.int64
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]


def test_mnist_is_read_as_any_other_data_set(mnist_folder: Path) -> None:
    test = read_dataset(mnist_folder, split="test")
    assert (len(test), len(read_dataset(mnist_folder))) == (10000, 60000)
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lend a folder for each place that MNIST is looked for in, and no way to the net."""
    digests = write_small_mnist(tmp_path / "source")
    for name, digest in digests.items():
        monkeypatch.setitem(mnist.FILES, name, digest)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(datasets, "fetch_mnist", lambda folder: write_small_mnist(folder))
    monkeypatch.delenv("JAXDIGITS_DATA", raising=False)
    return tmp_path


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_mnist_is_found_in_the_folder_given_before_all_else(
    places: Path, monkeypatch: pytest.MonkeyPatch, subfolder: str
) -> None:
    monkeypatch.setenv("JAXDIGITS_DATA", str(places / "absent"))
    write_small_mnist(places / "given" / subfolder)
    X_train, X_test, y_train, y_test = load_mnist(folder=places / "given")
    assert X_train.shape == X_test.shape == (2, 28, 28)
    assert y_train.tolist() == y_test.tolist() == [3, 4]


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_mnist_is_found_where_the_environment_says(
    places: Path, monkeypatch: pytest.MonkeyPatch, subfolder: str
) -> None:
    monkeypatch.setenv("JAXDIGITS_DATA", str(places / "data"))
    write_small_mnist(places / "data" / subfolder)
    assert load_mnist()[0].shape == (2, 28, 28)
    assert not (places / "cache").exists()


def test_mnist_is_downloaded_once_into_the_cache(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (places / "other").mkdir()
    monkeypatch.setenv("JAXDIGITS_DATA", str(places / "other"))
    load_mnist()
    assert len(list((places / "cache" / "jaxdigits" / "mnist").iterdir())) == 4
    monkeypatch.setattr(datasets, "fetch_mnist", lambda _: pytest.fail("downloaded again"))
    assert load_mnist()[0].shape == (2, 28, 28)


def test_broken_cache_is_downloaded_anew(places: Path) -> None:
    write_small_mnist(places / "cache" / "jaxdigits" / "mnist", level=1)
    assert load_mnist()[0].max() == 0


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_folder_without_mnist_is_told(places: Path, name: str) -> None:
    (places / "empty").mkdir()
    with pytest.raises(DatasetError, match=rf"{places / name}.* expected"):
        load_mnist(folder=places / name)


def test_environment_that_names_no_folder_is_told(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAXDIGITS_DATA", str(places / "absent"))
    with pytest.raises(DatasetError, match=r"JAXDIGITS_DATA names .*absent"):
        load_mnist()


X = np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4) + 9
Y = np.array([7, 0, 9], np.uint8)


def write_as(kind: str, folder: Path) -> Path:
    """Write the three samples in a format; return the path to be read."""
    path = folder / kind
    rows = [[label, *row] for label, row in zip(Y, X.reshape(3, -1), strict=True)]
    if kind == "npz":
        path = folder / "digits.npz"
        np.savez(path, X=X, y=Y)
    elif kind == "csv":
        path = folder / "digits.csv"
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    elif kind == "idx":
        write_idx(path / "train-images-idx3-ubyte.gz", X)
        write_idx(path / "train-labels-idx1-ubyte", Y)
    else:
        for label, image in zip(Y, X, strict=True):
            (path / str(label)).mkdir(parents=True)
            Image.fromarray(image).save(path / str(label) / "a.png")
    return path


def test_paths_may_be_text(tmp_path: Path) -> None:
    assert len(read_dataset(str(write_as("npz", tmp_path)))) == 3


@pytest.mark.parametrize("kind", ["idx", "npz", "csv", "pictures"])
def test_every_format_gives_the_same_samples(tmp_path: Path, kind: str) -> None:
    dataset = read_dataset(write_as(kind, tmp_path))
    assert dataset.X.dtype == np.uint8
    assert dataset.y.dtype == np.int64
    order = np.argsort(dataset.y)
    np.testing.assert_array_equal(dataset.y[order], [0, 7, 9])
    np.testing.assert_array_equal(dataset.X[order].reshape(3, 4, 4), X[[1, 0, 2]])


def test_folder_of_tables_holds_splits_and_other_tables(tmp_path: Path) -> None:
    pixels = ",".join(["0"] * 16)
    (tmp_path / "train.csv").write_text(f"1,{pixels}\n2,{pixels}\n")
    (tmp_path / "test.csv").write_text(f"{pixels}\n")
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    assert read_dataset(tmp_path).y.tolist() == [1, 2]
    assert read_dataset(tmp_path, split="train").y.tolist() == [1, 2]
    assert read_dataset(tmp_path, split="test").y is None


def test_folder_of_pictures_holds_splits(tmp_path: Path) -> None:
    write_as("pictures", tmp_path)
    (tmp_path / "pictures").rename(tmp_path / "training")
    (tmp_path / "testing" / "5").mkdir(parents=True)
    Image.fromarray(X[0]).save(tmp_path / "testing" / "5" / "a.png")
    assert len(read_dataset(tmp_path)) == 3
    assert read_dataset(tmp_path, split="test").y.tolist() == [5]


def test_the_only_set_is_read_whatever_its_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", X=X, y=Y)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", X)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", Y)
    assert len(read_dataset(tmp_path / "test.npz")) == 3
    (tmp_path / "test.npz").unlink()
    assert len(read_dataset(tmp_path)) == 3


def fail(path: Path, message: str, **options: str) -> None:
    """Check that a path fails to be read with one line that begins with it."""
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(path, **options)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_path_is_told(tmp_path: Path) -> None:
    fail(tmp_path / "absent", "no such file or folder")


def test_unknown_file_and_empty_folder_list_the_formats(tmp_path: Path) -> None:
    fail(tmp_path, "folder without a data set, expected one of: IDX.*npz.*CSV.*pictures")
    (tmp_path / "notes.txt").write_text("1")
    fail(tmp_path / "notes.txt", "file of no known format, expected one of: IDX")


def test_split_that_is_not_there_is_told(tmp_path: Path) -> None:
    fail(write_as("csv", tmp_path), r"no test set in it, found digits\.csv", split="test")


def test_several_sets_or_formats_are_not_guessed_among(tmp_path: Path) -> None:
    first = write_as("csv", tmp_path)
    first.rename(tmp_path / "a_train.csv")
    (tmp_path / "b_train.csv").write_text("x")
    fail(tmp_path, r"several data sets \(a_train\.csv, b_train\.csv\)")
    Image.fromarray(X[0]).save(tmp_path / "7_0.png")
    fail(tmp_path, r"holds several formats, csv \(a_train\.csv\), pictures")


def test_unknown_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got 'valid'"):
        read_dataset(tmp_path, split="valid")


def test_kaggle_sized_table_of_mnist_is_read_as_written(tmp_path: Path, mnist_folder: Path) -> None:
    test = read_dataset(mnist_folder, split="test")
    table = np.column_stack([test.y, test.X.reshape(len(test), -1)])[:2000]
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    np.savetxt(tmp_path / "train.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    dataset = read_dataset(tmp_path / "train.csv")
    np.testing.assert_array_equal(dataset.X, table[:, 1:])
    np.testing.assert_array_equal(dataset.y, table[:, 0])
    assert dataset.X.dtype == np.uint8


def save_picture(path: Path, side: int = 4) -> Path:
    """Save a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), 9).save(path)
    return path


def test_splits_are_listed_without_reading(tmp_path: Path) -> None:
    X, y = np.zeros((2, 8, 8), np.uint8), np.array([1, 2])
    np.savez(tmp_path / "both.npz", y_test=y, x_test=X, x_train=X, y_train=y)
    np.savez(tmp_path / "one.npz", X=X, y=y)
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    write_small_mnist(tmp_path / "idx")
    save_picture(tmp_path / "pictures" / "test" / "7" / "a.png")
    save_picture(tmp_path / "digits" / "7_a.png")
    found = {name: list_splits(tmp_path / name) for name in ("both.npz", "idx", "pictures", "digits", "one.npz")}
    assert found == {
        "both.npz": ("train", "test"),
        "idx": ("train", "test"),
        "pictures": ("test",),
        "digits": (),
        "one.npz": (),
    }
    assert list_splits(tmp_path / "broken.npz") == ()


def test_pictures_are_listed_with_labels_whatever_their_shapes(tmp_path: Path) -> None:
    small, large = save_picture(tmp_path / "set/3/a.png"), save_picture(tmp_path / "set/5/b.png", 9)
    assert list_pictures(tmp_path / "set") == {small: 3, large: 5}
    assert list_pictures(small) is None
    write_small_mnist(tmp_path / "idx")
    assert list_pictures(tmp_path / "idx") is None
    test = save_picture(tmp_path / "both/test/no label.png")
    save_picture(tmp_path / "both/train/1_a.png")
    assert list_pictures(tmp_path / "both", split="test") == {test: None}
    for look in (list_pictures, list_splits):
        with pytest.raises(DatasetError, match="no such file or folder"):
            look(tmp_path / "missing")
