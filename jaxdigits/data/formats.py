"""The formats a data set may come in. A new format is one function and one entry of `FORMATS`, both here."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxdigits.data.idx import find_idx_images, read_idx_pair
from jaxdigits.data.pictures import PICTURE_SUFFIXES, read_picture_folder, visible_entries
from jaxdigits.data.samples import Dataset
from jaxdigits.data.tables import read_table
from jaxdigits.errors import DatasetError

__all__ = ["FORMATS", "SPLITS", "Format", "split_of"]

SPLITS = {"train": ("train", "training"), "test": ("test", "testing", "t10k")}
"""Split -> the words in the name of a file, folder, or array that mark it."""


@dataclass(frozen=True)
class Format:
    """A format of data sets.

    Parameters
    ----------
    description : str
        What it looks like, for messages and lists.
    find : callable
        Path of a file or folder -> the places in it that can be read: none if it is of another format, and
        several if it holds several splits.
    read : callable
        (place, split) -> Dataset. The split is None where the place itself was chosen by it.
    splits_inside : callable, default=None
        Place -> the splits in it, for a format whose one place holds them all, so that `read` chooses.
    """

    description: str
    find: Callable[[Path], list[Path]]
    read: Callable[[Path, str | None], Dataset]
    splits_inside: Callable[[Path], set[str]] | None = None


def split_of(name: str) -> str | None:
    """Tell the split that a name speaks of.

    Parameters
    ----------
    name : str
        Name of a file, folder, or array.

    Returns
    -------
    str or None
        A key of `SPLITS`, or None if the name holds none of their words.

    Examples
    --------
    >>> split_of("t10k-images-idx3-ubyte.gz"), split_of("x_train"), split_of("digits.csv")
    ('test', 'train', None)
    """
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((split for split, marks in SPLITS.items() if any(mark in words for mark in marks)), None)


def _find_npz(path: Path) -> list[Path]:
    return [path] if path.is_file() and path.suffix.lower() == ".npz" else []


def _list_npz_splits(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return set()  # what is wrong is told by whoever reads it
    return {split for name in names if (split := split_of(name))}


def _read_npz(path: Path, split: str | None) -> Dataset:
    try:
        # NpzFile and not np.load, which would also take other files of NumPy's for what they are.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(
            f"{path}: not a readable npz archive of plain arrays ({reason}). Write it again with numpy.savez."
        ) from error
    marked = {name for name in arrays if split_of(name)}
    wanted = split or next((found for found in SPLITS if any(split_of(name) == found for name in marked)), None)
    X = _pick_array(path, arrays, wanted, ("x", "images", "data"))
    y = _pick_array(path, arrays, wanted, ("y", "labels", "label", "target"))
    if X is None:
        raise DatasetError(
            f"{path}: holds arrays {', '.join(arrays) or '(none)'}, expected one named X, images, or data, "
            f"or with a split such as x_{wanted or 'train'}. Write it again as numpy.savez(path, X=X, y=y)."
        )
    if X.ndim == 4 and X.shape[-1] == 1:
        X = X[..., 0]
    return Dataset(X, None if y is None else _to_labels(path, y), path)


def _pick_array(
    path: Path, arrays: dict[str, NDArray[Any]], split: str | None, names: tuple[str, ...]
) -> NDArray[Any] | None:
    """Find the one array whose name says what it holds and, where splits are marked, which split."""
    marks = set() if split is None else set(SPLITS[split])
    found = [
        name
        for name in arrays
        if split_of(name) == split and len(words := set(name.lower().split("_")) - marks) == 1 and words <= {*names}
    ]
    if len(found) > 1:
        raise DatasetError(f"{path}: arrays {', '.join(found)} hold the same thing, expected one. Leave one out.")
    return arrays[found[0]] if found else None


def _to_labels(path: Path, labels: NDArray[Any]) -> NDArray[Any]:
    if labels.dtype.kind == "U":
        return labels
    whole = labels.astype(np.int64) if labels.dtype.kind in "buif" and np.isfinite(labels).all() else None
    if whole is None or not np.array_equal(whole, labels):
        raise DatasetError(f"{path}: labels of dtype {labels.dtype}, expected whole numbers or text. Convert them.")
    return whole


def _find_tables(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.iterdir())
    return [file for file in files if re.search(r"\.(csv|tsv)(\.gz)?$", file.name.lower()) and file.is_file()]


def _find_pictures(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    entries = visible_entries(path)
    folders = [entry for entry in entries if entry.is_dir()]
    if splits := [folder for folder in folders if split_of(folder.name)]:
        return splits
    labeled = any(folder.name.isdecimal() for folder in folders)
    return [path] if labeled or any(entry.suffix.lower() in PICTURE_SUFFIXES for entry in entries) else []


FORMATS: dict[str, Format] = {
    "idx": Format(
        "IDX images and labels, such as train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz]",
        find_idx_images,
        lambda path, _: read_idx_pair(path),
    ),
    "npz": Format("npz archive with arrays X and y", _find_npz, _read_npz, _list_npz_splits),
    "csv": Format("CSV with a column 'label' and one column a pixel", _find_tables, lambda path, _: read_table(path)),
    "pictures": Format(
        "folder of pictures in subfolders 0 to 9 or named such as 7_0001.png",
        _find_pictures,
        lambda path, _: read_picture_folder(path),
    ),
}
"""Name -> format, as `read_dataset` tries them."""
