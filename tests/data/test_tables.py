"""Tables of numbers in text files."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from jaxdigits.data.tables import read_table
from jaxdigits.errors import DatasetError

PIXELS = np.arange(100, 100 + 3 * 16, dtype=np.uint8).reshape(3, 16)
LABELS = np.array([5, 0, 9])
NAMES = [f"pixel{i}" for i in range(16)]


def text(rows: np.ndarray | list[list[object]], names: list[str] | None = None, delimiter: str = ",") -> str:
    """Write rows down, under names if there are any."""
    lines = [*([names] if names else []), *rows]
    return "".join(delimiter.join(str(cell) for cell in line) + "\n" for line in lines)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file to be written."""
    return tmp_path / "train.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_table_with_header_is_read(path: Path, delimiter: str, start: str) -> None:
    path.write_text(start + text(np.column_stack([LABELS, PIXELS]), ["label", *NAMES], delimiter), encoding="utf-8")
    dataset = read_table(path)
    assert dataset.X.dtype == np.uint8
    np.testing.assert_array_equal(dataset.X, PIXELS)
    assert dataset.y.dtype == np.int64
    np.testing.assert_array_equal(dataset.y, LABELS)


def test_table_without_header_is_read(path: Path) -> None:
    path.write_text(text(np.column_stack([LABELS, PIXELS])))
    dataset = read_table(path)
    np.testing.assert_array_equal(dataset.X, PIXELS)
    np.testing.assert_array_equal(dataset.y, LABELS)


@pytest.mark.parametrize("names", [None, NAMES])
def test_table_without_labels_is_read(path: Path, names: list[str] | None) -> None:
    path.write_text(text(PIXELS, names))
    dataset = read_table(path)
    np.testing.assert_array_equal(dataset.X, PIXELS)
    assert dataset.y is None


def test_labels_may_stand_in_any_column_and_cells_in_quotes(path: Path) -> None:
    rows = [['"0.5"', "-2", '"3"'], ["1e3", "4", "1"]]
    path.write_text(text(rows, ['"width"', '"height"', '"Class"']))
    dataset = read_table(path)
    np.testing.assert_array_equal(dataset.X, [[0.5, -2], [1000, 4]])
    assert dataset.X.dtype == np.float64
    np.testing.assert_array_equal(dataset.y, [3, 1])


def test_numbers_beyond_uint8_are_kept(path: Path) -> None:
    path.write_text(text([[1, 256, -1], [2, 65535, 3.5]], ["label", "a", "b"]))
    np.testing.assert_array_equal(read_table(path).X, [[256, -1], [65535, 3.5]])


def test_packed_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.csv.gz"
    packed = gzip.compress(text(PIXELS).encode())
    path.write_bytes(packed)
    np.testing.assert_array_equal(read_table(path).X, PIXELS)
    path.write_bytes(packed[:-12])
    with pytest.raises(DatasetError, match=r"not a readable text table|cannot be read to its end"):
        read_table(path)


def test_lines_that_start_like_comments_are_not_dropped(path: Path) -> None:
    path.write_text(text(PIXELS) + "#" + text(PIXELS[:1]))
    with pytest.raises(DatasetError, match=r"row 4, column 1 holds '#100'"):
        read_table(path)


def test_blank_lines_are_no_samples(path: Path) -> None:
    path.write_text("\n" + text(PIXELS[:1], NAMES) + "\n" + text(PIXELS[1:]) + "\n")
    np.testing.assert_array_equal(read_table(path).X, PIXELS)


BAD_CELLS = {
    "x": "holds 'x', expected a finite number",
    "": "is empty, expected a finite number",
    "nan": "holds 'nan', expected a finite number",
    "inf": "holds 'inf', expected a finite number",
    "1_0": "holds '1_0', expected a finite number",
    "\ufffd": "holds '\ufffd', expected a finite number",
}


@pytest.mark.parametrize("cell", BAD_CELLS)
def test_bad_cell_is_named_by_row_and_column(path: Path, cell: str) -> None:
    rows = np.column_stack([LABELS, PIXELS]).astype(object)
    rows[1, 3] = cell
    path.write_text(text(rows, ["label", *NAMES]), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"row 3, column 4 \('pixel2'\) " + BAD_CELLS[cell]) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_bad_cell_of_the_first_row_does_not_make_it_a_header(path: Path) -> None:
    rows = np.column_stack([LABELS, PIXELS]).astype(object)
    rows[0, 2] = "x"
    path.write_text(text(rows))
    with pytest.raises(DatasetError, match="row 1, column 3 holds 'x'"):
        read_table(path)


@pytest.mark.parametrize(("cell", "message"), [("", "is empty"), ("seven", "holds 'seven'"), ("3.5", "holds '3.5'")])
def test_bad_label_is_named_by_row_and_column(path: Path, cell: str, message: str) -> None:
    rows = np.column_stack([LABELS, PIXELS]).astype(object)
    rows[2, 0] = cell
    path.write_text(text(rows, ["label", *NAMES]))
    with pytest.raises(DatasetError, match=rf"row 4, column 1 \('label'\) {message}, expected a label"):
        read_table(path)


@pytest.mark.parametrize("change", [-1, 1])
def test_row_of_another_width_is_named(path: Path, change: int) -> None:
    rows = [list(row) for row in PIXELS]
    rows[1] = [0] * (16 + change)
    path.write_text(text(rows))
    with pytest.raises(DatasetError, match=f"row 2 has {16 + change} cells, expected 16"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        (text([], ["label", *NAMES]), "a header but no rows"),
        (text([[1, 2, 3]]), "row 1 holds numbers in 3 columns, expected h \\* h pixels"),
        (text([[0] * 17], ["number", *NAMES]), "17 columns but none of them named label"),
        (text([[0, 1, 2]], ["label", "digit", "a"]), r"several columns of labels \('label', 'digit'\)"),
        (text([[0, 1, 2]], ["", "label", "a"]), "row 1, column 1 is empty.*index=False"),
        (text([range(16)]), "row 1 counts 0, 1, ..., 15"),
        (text([range(1, 17), [0] * 16]), "row 1 counts 1, 2, ..., 16"),
        (text([[0] * 17] * 2), "column 1 of 17 holds 0 in every row"),
        ('label,a\n"' + "x" * 200_000 + '",2\n', "not a readable text table"),
    ],
)
def test_table_that_cannot_be_understood_is_told(path: Path, content: str, message: str) -> None:
    path.write_text(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_file_of_bytes_is_no_table(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DatasetError) as caught:
        read_table(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
