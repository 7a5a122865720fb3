"""IDX files, the format MNIST is published in, packed with gzip or not.

The format: two zero bytes, a byte for the type, a byte for the number of dimensions, the sizes as big-endian
32-bit integers, then the values in C order (Yann LeCun, "The MNIST database of handwritten digits").
"""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxdigits.data.samples import Dataset
from jaxdigits.errors import DatasetError

__all__ = ["find_idx_images", "parse_idx", "read_bytes", "read_idx_pair"]

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Type byte of an IDX file -> dtype of its values."""

_IDX_NAME = re.compile(r"[-_.]idx\d(-ubyte)?(\.gz)?$")


def read_bytes(path: Path) -> bytes:
    """Read a file, unpacked if its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        File to read.

    Returns
    -------
    bytes
        The unpacked contents.

    Raises
    ------
    DatasetError
        If the file cannot be read, or is no whole gzip archive though it is named like one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}). Check the path and its rights.") from error
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            f"{path}: broken gzip archive of {len(content)} bytes ({error}), expected a whole one. "
            "Get the file again, or drop .gz from its name if it is not packed."
        ) from error


def parse_idx(content: bytes, path: Path, *, n_dimensions: int) -> NDArray[Any]:
    """Turn the contents of an IDX file into an array.

    Parameters
    ----------
    content : bytes
        The unpacked file.
    path : Path
        Its name, for messages.
    n_dimensions : int
        Number of dimensions it must have: 3 for images, 1 for labels.

    Returns
    -------
    ndarray
        Writable array in the dtype of the file.

    Raises
    ------
    DatasetError
        If the magic number, the number of dimensions, or the length is wrong.

    Examples
    --------
    >>> from pathlib import Path
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]), Path("labels-idx1-ubyte"), n_dimensions=1)
    array([7, 3], dtype=uint8)
    """
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise DatasetError(
            f"{path}: {len(content)} bytes, too short for an IDX header of {start} bytes. Get the file again."
        )
    if content[:2] != b"\0\0" or content[2] not in DTYPES or content[3] != n_dimensions:
        raise DatasetError(
            f"{path}: magic number 0x{content[:4].hex()} at byte 0, expected 0x0000080{n_dimensions} for an "
            f"IDX file of {n_dimensions} dimension(s). Check that it is the right file and is not packed."
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", n_dimensions, offset=4))
    dtype = np.dtype(DTYPES[content[2]])
    # Python integers, since a forged header must not overflow, and nothing is allocated on its word.
    expected = dtype.itemsize
    for size in shape:
        expected *= size
    if len(content) - start != expected:
        raise DatasetError(
            f"{path}: {len(content) - start} bytes after the header, expected {expected} for shape {shape} "
            f"of {dtype.name}. The file is cut off or damaged: get it again."
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def read_idx_pair(path: Path) -> Dataset:
    """Read a file of images and the file of labels beside it.

    Parameters
    ----------
    path : Path
        File of images, with "images" in its name; the labels' file has "labels" in its place.

    Returns
    -------
    Dataset
        Images of shape (n, h, w) in the dtype of the file, labels as int64.

    Raises
    ------
    DatasetError
        If either file is missing or broken, or their counts differ.
    """
    labels_path = _find_labels(path)
    images = parse_idx(read_bytes(path), path, n_dimensions=3)
    labels = parse_idx(read_bytes(labels_path), labels_path, n_dimensions=1)
    if len(images) != len(labels):
        raise DatasetError(
            f"{labels_path}: {len(labels)} labels for the {len(images)} images of {path.name}, expected as "
            "many. Check that the two files belong together."
        )
    return Dataset(images, labels.astype(np.int64), path)


def find_idx_images(path: Path) -> list[Path]:
    """List the IDX files of images that a path names.

    Parameters
    ----------
    path : Path
        A file, or a folder that may hold some.

    Returns
    -------
    list of Path
        The file itself, or the folder's files of images; a packed copy beside the plain file is left out.
    """
    if path.is_file():
        return [path] if _IDX_NAME.search(path.name) else []
    files = [file for file in sorted(path.iterdir()) if file.is_file() and _IDX_NAME.search(file.name)]
    images = [file for file in files if "images" in file.name]
    return [file for file in images if file.suffix != ".gz" or file.with_suffix("") not in images]


def _find_labels(path: Path) -> Path:
    if "images" not in path.name:
        raise DatasetError(
            f"{path}: expected a file of images with 'images' in its name, such as train-images-idx3-ubyte. "
            "Pass that file; its labels are found beside it."
        )
    plain = path.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    for name in (plain, plain + ".gz"):
        if (path.parent / name).is_file():
            return path.parent / name
    raise DatasetError(f"{path}: labels missing, expected {plain} or {plain}.gz beside it. Put one there.")
