"""Data sets: scikit-learn's digits, MNIST, and anyone's own files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from jaxdigits.data.formats import FORMATS, SPLITS, Format, split_of
from jaxdigits.data.mnist import fetch_mnist, find_mnist, read_mnist
from jaxdigits.data.pictures import label_pictures
from jaxdigits.data.samples import Dataset
from jaxdigits.errors import DatasetError, InputError

__all__ = ["Dataset", "list_pictures", "list_splits", "load_digits", "load_mnist", "read_dataset"]


def load_digits(*, n_class: int = 10, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load scikit-learn's 1,797 digits of 8 x 8 pixels with levels 0 to 16; needs no download.

    Parameters
    ----------
    n_class : int, default=10
        Number of classes to load, from 0 up.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether the arrays are a pandas DataFrame and Series.

    Returns
    -------
    Bunch or tuple of (ndarray of shape (n, 64), ndarray of shape (n,))
        What `sklearn.datasets.load_digits` returns: data, target, images of shape (n, 8, 8), and more.

    Raises
    ------
    InputError
        If n_class is no int within 1 to 10, or a flag is no bool.

    Examples
    --------
    >>> from jaxdigits.data.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> X.shape, y.shape
    ((1797, 64), (1797,))
    """
    from sklearn import datasets

    try:
        return datasets.load_digits(n_class=n_class, return_X_y=return_X_y, as_frame=as_frame)
    except ValueError as error:
        raise InputError(f"{error} Leave it out for the default.") from error


def load_mnist(
    *, folder: str | os.PathLike[str] | None = None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Load MNIST: 60,000 and 10,000 handwritten digits of 28 x 28 pixels, light ink on a dark ground.

    It is looked for in the folder given; else in the folder that the environment variable JAXDIGITS_DATA
    names, then in the user's cache, and then it is downloaded into that cache (11 MB, once). A folder may
    hold the four IDX files, packed or not, or have them in its subfolder ``mnist``. Their contents are
    checked by SHA-256.

    Parameters
    ----------
    folder : path-like, default=None
        Folder to read; nothing is then looked for elsewhere or downloaded.

    Returns
    -------
    X_train : ndarray of shape (60000, 28, 28)
        Images, uint8 in 0 to 255.
    X_test : ndarray of shape (10000, 28, 28)
        Images, uint8 in 0 to 255.
    y_train : ndarray of shape (60000,)
        Labels in 0 to 9, int64 so that arithmetic with them does not wrap.
    y_test : ndarray of shape (10000,)
        Labels in 0 to 9, int64.

    Raises
    ------
    DatasetError
        If a folder named does not hold MNIST whole, or no mirror could be reached.

    Examples
    --------
    >>> from jaxdigits.data.datasets import load_mnist
    >>> X_train, X_test, y_train, y_test = load_mnist()  # doctest: +SKIP
    >>> X_train.shape, X_train.dtype  # doctest: +SKIP
    ((60000, 28, 28), dtype('uint8'))
    """
    place = _find_named_mnist(folder)
    X_train, X_test, y_train, y_test = _read_cached_mnist() if place is None else read_mnist(place)
    return X_train, X_test, y_train.astype("int64"), y_test.astype("int64")


def _read_cached_mnist() -> list[NDArray[Any]]:
    import pooch

    cache = Path(pooch.os_cache("jaxdigits")) / "mnist"
    try:
        return read_mnist(cache)
    except DatasetError:
        fetch_mnist(cache)
    return read_mnist(cache)


def _find_named_mnist(folder: str | os.PathLike[str] | None) -> Path | None:
    """Look where the caller or the environment says; None if they say nothing or name other data."""
    named = folder if folder is not None else os.environ.get("JAXDIGITS_DATA") or None
    if named is None:
        return None
    place = Path(named).expanduser()
    if not place.is_dir():
        where = "folder" if folder is not None else "JAXDIGITS_DATA"
        raise DatasetError(f"{where} names {place}, expected a folder that exists. Check the path.")
    found = find_mnist(place)
    if found is None and folder is not None:
        raise DatasetError(
            f"{place}: no MNIST, expected train-images-idx3-ubyte and its three companions there or in its "
            "subfolder mnist, packed as .gz or not. Leave folder out to have MNIST downloaded."
        )
    return found


def read_dataset(path: str | os.PathLike[str], *, split: str | None = None) -> Dataset:
    """Read a data set from a file or folder, whichever of these formats it is in.

    - IDX: a file of images beside its file of labels, or a folder of such pairs, packed as ``.gz`` or not.
    - npz: arrays X and y, or images and labels, or with a split: x_train, y_train, x_test, y_test.
    - CSV: one sample a row; a header names the column "label", or there is no header and the row is h * h
      pixels with or without a label before them. Or a folder that holds train.csv and test.csv.
    - Pictures of one shape: a folder with subfolders named by label, or with files such as ``7_0001.png``.
      Or a folder with such folders named train and test.

    Parameters
    ----------
    path : path-like
        File or folder to read.
    split : {"train", "test"}, default=None
        Which to read where there are several. None reads the only one there is, else the training set.

    Returns
    -------
    Dataset
        Samples as they were stored, uint8 as uint8, and their labels or None.

    Raises
    ------
    DatasetError
        If the path is missing, of no known format, or broken anywhere: nothing is dropped. The message names
        the file, the place in it, and what was expected there.
    InputError
        If split is neither "train" nor "test" nor None.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from jaxdigits.data.datasets import read_dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "digits.npz"
    ...     np.savez(path, X=np.zeros((3, 28, 28), np.uint8), y=[7, 2, 1])
    ...     dataset = read_dataset(path)
    >>> dataset.X.shape, dataset.X.dtype, dataset.y
    ((3, 28, 28), dtype('uint8'), array([7, 2, 1]))
    """
    path = _existing(path)
    if split is not None and split not in SPLITS:
        raise InputError(f"split must be None or one of {', '.join(map(repr, SPLITS))}, got {split!r}. Correct it.")
    try:
        reader, places = _recognize(path)
        if reader.splits_inside is not None:
            return reader.read(path, split)
        return reader.read(_choose_place(path, places, split), None)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error}). Check the path and its rights.") from error


def list_splits(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Tell which splits a file or folder holds, without reading its samples.

    Parameters
    ----------
    path : path-like
        File or folder that `read_dataset` takes.

    Returns
    -------
    tuple of str
        "train", "test", both in this order, or nothing where no name speaks of a split.

    Raises
    ------
    DatasetError
        If the path is missing or of no known format.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from jaxdigits.data.datasets import list_splits
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "digits.npz"
    ...     np.savez(path, x_test=np.zeros((3, 64)), x_train=np.zeros((9, 64)))
    ...     list_splits(path)
    ('train', 'test')
    """
    path = _existing(path)
    try:
        reader, places = _recognize(path)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error}). Check the path and its rights.") from error
    found = {split_of(place.name) for place in places} if reader.splits_inside is None else reader.splits_inside(path)
    return tuple(split for split in SPLITS if split in found)


def list_pictures(path: str | os.PathLike[str], *, split: str | None = None) -> dict[Path, int | None] | None:
    """List the pictures of a folder, which may differ in shape, with their labels.

    Parameters
    ----------
    path : path-like
        File or folder.
    split : {"train", "test"}, default=None
        Which to list where there are several.

    Returns
    -------
    dict of Path to int or None, or None
        File -> label, or None where its name tells none. None if the path is no folder of pictures.

    Raises
    ------
    DatasetError
        If the path is missing, of no known format, or holds something else beside pictures.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> from jaxdigits.data.datasets import list_pictures
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (5, 9)).save(pathlib.Path(folder) / "7_a.png")
    ...     [(file.name, label) for file, label in list_pictures(folder).items()]
    [('7_a.png', 7)]
    """
    path = _existing(path)
    try:
        if path.is_file():
            return None
        reader, places = _recognize(path)
        if reader is not FORMATS["pictures"]:
            return None
        return label_pictures(_choose_place(path, places, split))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error}). Check the path and its rights.") from error


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path).expanduser()
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder. Check the path.")
    return path


def _recognize(path: Path) -> tuple[Format, list[Path]]:
    found = {name: places for name, known in FORMATS.items() if (places := known.find(path))}
    if len(found) > 1:
        listed = ", ".join(f"{name} ({places[0].name or places[0]})" for name, places in found.items())
        raise DatasetError(f"{path}: holds several formats, {listed}, expected one. Name the file or folder meant.")
    if not found:
        kind = "folder without a data set" if path.is_dir() else "file of no known format"
        expected = "; ".join(known.description for known in FORMATS.values())
        raise DatasetError(f"{path}: {kind}, expected one of: {expected}. Check the path or convert the data.")
    name = next(iter(found))
    return FORMATS[name], found[name]


def _choose_place(path: Path, places: list[Path], split: str | None) -> Path:
    wanted = [place for place in places if split_of(place.name) == (split or "train")]
    if split is None and not wanted:
        wanted = places
    if not wanted:
        names = ", ".join(place.name for place in places)
        raise DatasetError(f"{path}: no {split} set in it, found {names}. Leave split out, or name the file.")
    if len(wanted) > 1:
        names = ", ".join(place.name for place in wanted)
        raise DatasetError(f"{path}: several data sets ({names}), expected one. Name the file or folder meant.")
    return wanted[0]
