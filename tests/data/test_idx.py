"""IDX files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from jaxdigits.data.idx import find_idx_images, parse_idx, read_bytes, read_idx_pair
from jaxdigits.errors import DatasetError

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([7, 0, 9], dtype=np.uint8)


def idx(array: np.ndarray, type_byte: int = 8) -> bytes:
    """Write an array down as the format's description says."""
    header = bytes([0, 0, type_byte, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Write a good pair of files and return that of the images."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    return tmp_path / "train-images-idx3-ubyte"


def test_pair_is_read_as_stored(pair: Path) -> None:
    dataset = read_idx_pair(pair)
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X, IMAGES)
    assert dataset.y.dtype == np.int64
    np.testing.assert_array_equal(dataset.y, LABELS)
    assert dataset.path == pair


def test_images_and_labels_may_be_packed_each_for_itself(pair: Path) -> None:
    packed = pair.with_name(pair.name + ".gz")
    packed.write_bytes(gzip.compress(pair.read_bytes()))
    pair.unlink()
    np.testing.assert_array_equal(read_idx_pair(packed).X, IMAGES)
    labels = pair.with_name("train-labels-idx1-ubyte")
    labels.with_name(labels.name + ".gz").write_bytes(gzip.compress(labels.read_bytes()))
    labels.unlink()
    np.testing.assert_array_equal(read_idx_pair(packed).y, LABELS)


@pytest.mark.parametrize(("dtype", "type_byte"), [("i1", 0x09), ("i2", 0x0B), ("i4", 0x0C), ("f4", 0x0D), ("f8", 0x0E)])
def test_every_type_of_the_format_is_read_in_native_byte_order(dtype: str, type_byte: int) -> None:
    values = np.array([-3, 0, 100], dtype=dtype)
    array = parse_idx(idx(values, type_byte), Path("any"), n_dimensions=1)
    np.testing.assert_array_equal(array, values)
    assert array.dtype == values.dtype
    assert array.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes, too short for an IDX header of 16 bytes"),
        (b"\x89PNG" + idx(IMAGES)[4:], "magic number 0x89504e47 at byte 0, expected 0x00000803"),
        (idx(LABELS) + bytes(20), "magic number 0x00000801 at byte 0, expected 0x00000803"),
        (idx(IMAGES)[:-1], r"59 bytes after the header, expected 60 for shape \(3, 4, 5\)"),
        (idx(IMAGES) + b"\0", "61 bytes after the header, expected 60"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "0 bytes after the header, expected"),
    ],
)
def test_broken_contents_are_told_in_one_line(pair: Path, content: bytes, message: str) -> None:
    pair.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_idx_pair(pair)
    assert str(caught.value).startswith(str(pair))
    assert "\n" not in str(caught.value)


def test_counts_that_differ_are_told(pair: Path) -> None:
    labels = pair.with_name("train-labels-idx1-ubyte")
    labels.write_bytes(idx(LABELS[:2]))
    with pytest.raises(DatasetError, match="2 labels for the 3 images of train-images-idx3-ubyte"):
        read_idx_pair(pair)


def test_missing_labels_are_told(pair: Path) -> None:
    pair.with_name("train-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetError, match="labels missing, expected train-labels-idx1-ubyte"):
        read_idx_pair(pair)


def test_file_of_labels_is_not_taken_for_images(pair: Path) -> None:
    with pytest.raises(DatasetError, match="expected a file of images with 'images' in its name"):
        read_idx_pair(pair.with_name("train-labels-idx1-ubyte"))


@pytest.mark.parametrize("damage", ["cut", "plain", "flipped"])
def test_broken_archive_is_told(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(bytes(range(256)) * 10)
    content = {"cut": packed[:-12], "plain": b"not packed", "flipped": packed[:-8] + b"\1" * 8}[damage]
    path = tmp_path / "x-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=f"broken gzip archive of {len(content)} bytes"):
        read_bytes(path)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_bytes(tmp_path / "absent")


def test_find_lists_images_and_prefers_the_plain_file(pair: Path) -> None:
    pair.with_name(pair.name + ".gz").write_bytes(b"")
    other = pair.with_name("t10k-images.idx3-ubyte.gz")
    other.write_bytes(b"")
    assert find_idx_images(pair.parent) == [other, pair]
    assert find_idx_images(pair) == [pair]
    other.with_name("notes.txt").write_text("")
    assert find_idx_images(other.with_name("notes.txt")) == []
