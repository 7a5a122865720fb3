"""Tables of numbers in text files: Kaggle's train.csv and test.csv, and others of their kind."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from jaxdigits.data.samples import Dataset
from jaxdigits.errors import DatasetError

__all__ = ["read_table"]

LABEL_NAMES = ("label", "labels", "y", "target", "class", "digit")
"""Names, in any case, by which a header may call the column of labels."""

MIN_PIXELS = 16
"""A file without a header is taken for images only if they have at least this many pixels."""


@dataclass(frozen=True)
class _Layout:
    """How the table is laid out: what its first row told."""

    delimiter: str
    width: int
    n_header_lines: int
    names: tuple[str, ...] | None
    label_column: int | None


def read_table(path: Path) -> Dataset:
    """Read a table of one sample a row.

    A column that the header calls "label" (or one of `LABEL_NAMES`) holds the labels. A file without a header
    holds images: h * h pixel columns, after a column of labels if there is one column more.

    Parameters
    ----------
    path : Path
        Text file, packed if it ends in ``.gz``; cells are parted by commas, semicolons, or tabs.

    Returns
    -------
    Dataset
        Rows of shape (n, n_features): uint8 if every cell is a whole number in 0 to 255, else float64.
        Labels as int64, or None without such a column.

    Raises
    ------
    DatasetError
        If the file is empty, a row has too few or too many cells, a cell is no finite number, a label is no
        whole number, or the column of labels cannot be told. Rows are counted as a spreadsheet does: from 1,
        the header included.
    """
    layout = _read_layout(path)
    table = _read_numbers(path, layout)
    column = layout.label_column
    if column is None:
        return Dataset(table, None, path)
    labels = table[:, column].astype(np.int64)
    if table.dtype != np.uint8 and not np.array_equal(labels, table[:, column]):
        raise DatasetError(_find_fault(path, layout))
    if layout.names is None and len(labels) > 1 and labels.min() == labels.max():
        raise DatasetError(
            f"{path}: column 1 of {layout.width} holds {labels[0]} in every row, expected labels of several "
            "classes. If the labels stand elsewhere, or there is one class, add a header that says 'label'."
        )
    return Dataset(np.delete(table, column, axis=1), labels, path)


def _read_layout(path: Path) -> _Layout:
    first, second, n_lines, delimiter = _read_first_rows(path)
    n_numbers = sum(_is_number(cell) for cell in first)
    names = tuple(cell.strip().strip("'\"") for cell in first)
    labeled = any(name.lower() in LABEL_NAMES for name in names)
    if _is_count(first):
        raise DatasetError(
            f"{path}: row 1 counts {first[0]}, {first[1]}, ..., {first[-1]}, expected names or a sample. If "
            "pandas numbered the columns, write the file again with header=False or with names like pixel0."
        )
    if not labeled and n_numbers:
        return _Layout(delimiter, len(first), 0, None, _guess_label_column(path, len(first)))
    if second is None:
        raise DatasetError(f"{path}: a header but no rows below it, expected one sample a row. Check the export.")
    if "" in names:
        raise DatasetError(
            f"{path}: row 1, column {names.index('') + 1} is empty, expected a name. If pandas wrote its "
            "index there, write the file again with index=False."
        )
    return _Layout(delimiter, len(first), n_lines, names, _find_label_column(path, names))


def _read_first_rows(path: Path) -> tuple[list[str], list[str] | None, int, str]:
    """Read the first two rows, the number of lines up to the first, and the delimiter."""
    try:
        with _open_text(path) as lines:
            delimiter = max(",;\t", key=lines.readline().count)
            lines.seek(0)
            reader = csv.reader(lines, delimiter=delimiter)
            first = next((row for row in reader if row), None)
            n_lines = reader.line_num
            second = next((row for row in reader if row), None)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DatasetError(
            f"{path}: not a readable text table ({error}). Check the file or export it again."
        ) from error
    if first is None:
        raise DatasetError(f"{path}: the file is empty, expected one sample a row. Check the export.")
    return first, second, n_lines, delimiter


def _find_label_column(path: Path, names: tuple[str, ...]) -> int | None:
    columns = [column for column, name in enumerate(names) if name.lower() in LABEL_NAMES]
    if len(columns) > 1:
        found = ", ".join(repr(names[column]) for column in columns)
        raise DatasetError(f"{path}: several columns of labels ({found}), expected one. Rename or drop the others.")
    if not columns and _is_square(len(names) - 1):
        raise DatasetError(
            f"{path}: {len(names)} columns but none of them named {', '.join(LABEL_NAMES)}, expected a "
            f"column of labels beside {len(names) - 1} pixels. Name it 'label' in row 1, or drop it."
        )
    return columns[0] if columns else None


def _guess_label_column(path: Path, width: int) -> int | None:
    """Tell a column of labels by the width, as a file without a header cannot name it."""
    if _is_square(width):
        return None
    if _is_square(width - 1):
        return 0
    raise DatasetError(
        f"{path}: row 1 holds numbers in {width} columns, expected h * h pixels (784 for 28 x 28) or a label "
        "and h * h pixels. For other data add a header in which one column is named 'label'."
    )


def _read_numbers(path: Path, layout: _Layout) -> NDArray[Any]:
    for dtype in (np.uint8, np.float64):
        try:
            table: NDArray[Any] = np.loadtxt(
                path,
                dtype=dtype,
                delimiter=layout.delimiter,
                skiprows=layout.n_header_lines,
                ndmin=2,
                comments=None,
                quotechar='"',
                encoding="utf-8-sig",
            )
        except (ValueError, OSError, EOFError, zlib.error):
            continue
        if table.shape[1] == layout.width and (dtype is np.uint8 or np.isfinite(table).all()):
            return table
    raise DatasetError(_find_fault(path, layout))


def _find_fault(path: Path, layout: _Layout) -> str:
    """Say which cell is to blame, by a slow second reading that is done only if something is wrong."""
    try:
        faults = (_judge_row(cells, layout, row=row) for row, cells in _rows(path, layout))
        fault = next((fault for fault in faults if fault), None)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        fault = f"cannot be read to its end ({error}), expected a whole text table. Get the file again."
    return f"{path}: " + (
        fault or "not a table of plain numbers, expected cells such as 0, 255 or 0.5. Export it again as CSV."
    )


def _judge_row(cells: list[str], layout: _Layout, *, row: int) -> str | None:
    if len(cells) != layout.width:
        return (
            f"row {row} has {len(cells)} cells, expected {layout.width} as in row 1. Mend the row, or export "
            "the table again."
        )
    for column, cell in enumerate(cells):
        if fault := _judge_cell(cell, is_label=column == layout.label_column):
            name = f" ({layout.names[column]!r})" if layout.names else ""
            return f"row {row}, column {column + 1}{name} {fault}. Mend it or drop the row."
    return None


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    with _open_text(path) as lines:
        reader = csv.reader(lines, delimiter=layout.delimiter)
        for cells in reader:
            if cells and reader.line_num > layout.n_header_lines:
                yield reader.line_num, cells


def _judge_cell(cell: str, *, is_label: bool) -> str | None:
    expected = "a label, a whole number" if is_label else "a finite number"
    if not cell.strip():
        return f"is empty, expected {expected}"
    if not _is_number(cell) or (is_label and not float(cell).is_integer()):
        return f"holds {cell[:40]!r}, expected {expected}"
    return None


def _is_number(cell: str) -> bool:
    """Tell whether a cell holds a finite number; Python's float() alone would also take '1_000'."""
    try:
        return math.isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def _is_count(cells: list[str]) -> bool:
    """Tell whether cells count from 0 or 1 up: as a header does that numbers the columns."""
    if len(cells) < MIN_PIXELS:
        return False
    return any(cells == [str(start + i) for i in range(len(cells))] for start in (0, 1))


def _is_square(width: int) -> bool:
    return width >= MIN_PIXELS and math.isqrt(width) ** 2 == width


def _open_text(path: Path) -> TextIO:
    # Damaged bytes become a character that is no digit, so that the cell they stand in can be named.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")
