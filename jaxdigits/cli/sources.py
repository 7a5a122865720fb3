"""Where a command's samples come from: a file, a folder, standard input, or a data set known by name."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.errors import DatasetError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jaxdigits.data.datasets import Dataset

__all__ = [
    "KNOWN",
    "SPLITS",
    "STANDARD_INPUT",
    "Source",
    "add_data_argument",
    "choose_split",
    "has_light_paper",
    "open_source",
    "white_of",
    "with_light_ink",
]

STANDARD_INPUT = "-"
SPLITS = ("train", "test")


def _load_digits() -> dict[str, Dataset]:
    from jaxdigits.data.datasets import Dataset, load_digits

    digits = load_digits()
    return {"": Dataset(digits.images, digits.target, Path("digits"))}


def _load_mnist() -> dict[str, Dataset]:
    from jaxdigits.data.datasets import Dataset, load_mnist

    X_train, X_test, y_train, y_test = load_mnist()
    path = Path("mnist")
    return {"train": Dataset(X_train, y_train, path), "test": Dataset(X_test, y_test, path)}


KNOWN: dict[str, Callable[[], dict[str, Dataset]]] = {"digits": _load_digits, "mnist": _load_mnist}
"""Data sets known by name: what loads them, split by split ("" where there is but one)."""


@dataclass(frozen=True)
class Source:
    """Something that holds samples.

    Parameters
    ----------
    name : str
        What it is called in words.
    path : Path or None
        Where it lies; None for a data set known by name.
    """

    name: str
    path: Path | None

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits it holds: "train", "test", both or none."""
        if self.path is None:
            return tuple(split for split in self._parts if split)
        from jaxdigits.data.datasets import list_splits

        with self.named():
            return list_splits(self.path)

    @cached_property
    def _parts(self) -> dict[str, Dataset]:
        return KNOWN[self.name]()

    @property
    def is_standard_input(self) -> bool:
        """Whether its path is but the place where standard input was laid down."""
        return self.path is not None and self.name != str(self.path)

    def shown(self, file: Path) -> str:
        """Tell what one of its files is called on the screen.

        Parameters
        ----------
        file : Path
            The source's own path, or a file in that folder.

        Returns
        -------
        str

        Examples
        --------
        >>> import pathlib
        >>> from jaxdigits.cli.sources import Source
        >>> path = pathlib.Path("seven.png")
        >>> Source("seven.png", path).shown(path), Source("standard input", path).shown(path)
        ('seven.png', '-')
        """
        return STANDARD_INPUT if self.is_standard_input else str(file)

    def read(self, split: str | None = None) -> Dataset:
        """Read samples.

        Parameters
        ----------
        split : {"train", "test"}, default=None
            Which; None reads the only one there is, else the training set.

        Returns
        -------
        Dataset

        Raises
        ------
        InputError
            As `jaxdigits.read_dataset` does.

        Examples
        --------
        >>> from jaxdigits.cli.sources import Source
        >>> len(Source("digits", None).read())
        1797
        """
        if self.path is None:
            if split is not None and split not in self._parts:
                raise InputError(f"{self.name} has no {split} set, it is one whole. Leave --split out.")
            return self._parts[split or next(iter(self._parts))]
        from jaxdigits.data.datasets import read_dataset

        with self.named():
            return read_dataset(self.path, split=split)

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Have errors speak of standard input, not of the file where it was laid down.

        Examples
        --------
        >>> from jaxdigits.cli.sources import Source
        >>> with Source("digits", None).named():
        ...     pass
        """
        try:
            yield
        except DatasetError as error:
            if not self.is_standard_input:
                raise
            raise DatasetError(str(error).replace(str(self.path), self.name)) from error


def with_light_ink(X: NDArray[Any], image_shape: tuple[int, int] | None = None) -> tuple[NDArray[Any], bool]:
    """Turn dark ink on light paper into light ink on a dark ground, which is how models take their digits.

    Parameters
    ----------
    X : ndarray of shape (n, h, w) or (n, h * w)
        Samples. Rows that are no pictures, or hold negative numbers, are left alone.
    image_shape : (height, width), default=None
        Shape of flat pictures; None looks whether rows are square pictures.

    Returns
    -------
    X : ndarray
        The samples, of the same shape and dtype.
    inverted : bool
        Whether anything was changed.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.sources import with_light_ink
    >>> with_light_ink(np.full((1, 8, 8), 250, np.uint8))[0][0, 0, 0]
    np.uint8(5)
    """
    from jaxdigits.core.inputs import looks_like_images

    if X.ndim == 3:
        image_shape = (X.shape[1], X.shape[2])
    elif image_shape is None and looks_like_images(X):
        image_shape = (math.isqrt(X.shape[1]), math.isqrt(X.shape[1]))
    white = white_of(X)
    if image_shape is None or white is None or not has_light_paper(X.reshape(-1, *image_shape), white=white):
        return X, False
    return X.dtype.type(white) - X, True


def white_of(X: NDArray[Any]) -> float | None:
    """Tell the level of white that pixels are meant in.

    Parameters
    ----------
    X : ndarray
        Samples.

    Returns
    -------
    float or None
        The least of 1, 16, 255 and 65,535 that holds them all; None where they are no pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.sources import white_of
    >>> white_of(np.array([0, 200])), white_of(np.array([-0.5, 0.5]))
    (255.0, None)
    """
    from jaxdigits.core.inputs import PIXEL_TOPS

    low, high = float(X.min()), float(X.max())
    return None if low < 0 else next((top for top in PIXEL_TOPS if high <= top), None)


def has_light_paper(images: NDArray[Any], *, white: float) -> bool:
    """Tell whether images show dark ink on light paper, by the brightness of their borders.

    Parameters
    ----------
    images : ndarray of shape (n, h, w)
        Images of one kind; all of them together decide.
    white : float
        Level of white; black is 0.

    Returns
    -------
    bool
        True if the median of all border pixels is above half of white.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.cli.sources import has_light_paper
    >>> has_light_paper(np.full((2, 8, 8), 250), white=255)
    True
    """
    import numpy as np

    rows, columns = images[:, [0, -1], :], images[:, 1:-1, [0, -1]]
    border = np.concatenate([rows.ravel(), columns.ravel()])
    return bool(np.median(border) > white / 2)


def choose_split(source: Source, asked: str | None) -> str | None:
    """Choose what to read samples from that nobody trains on: the test set where there is one.

    Parameters
    ----------
    source : Source
        What holds samples.
    asked : {"train", "test"} or None
        What the user wants.

    Returns
    -------
    str or None
        The split to read.

    Examples
    --------
    >>> from jaxdigits.cli.sources import Source, choose_split
    >>> choose_split(Source("digits", None), None) is None
    True
    """
    return asked or ("test" if "test" in source.splits else None)


def add_data_argument(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Declare the argument that names a data set.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.
    optional : bool, default=False
        Whether it may be left out.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli.sources import add_data_argument
    >>> parser = argparse.ArgumentParser()
    >>> add_data_argument(parser)
    >>> parser.parse_args(["digits"]).data
    'digits'
    """
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?" if optional else None,
        help="CSV, npz or IDX file, folder of pictures by label, - for a CSV or npz on standard input, "
        f"or one of: {', '.join(KNOWN)}",
    )


@contextlib.contextmanager
def open_source(name: str) -> Iterator[Source]:
    """Find what a name on the command line means; a file of that name comes before a known data set.

    Parameters
    ----------
    name : str
        A path, ``-`` for standard input, or a key of `KNOWN`.

    Yields
    ------
    Source
        Standard input is kept in a file until the context ends.

    Raises
    ------
    InputError
        If nothing of that name is there, or standard input is empty.

    Examples
    --------
    >>> from jaxdigits.cli.sources import open_source
    >>> with open_source("digits") as source:
    ...     source.read().X.shape
    (1797, 8, 8)
    """
    if name == STANDARD_INPUT:
        content = _read_standard_input()
        with tempfile.TemporaryDirectory(prefix="jaxdigits-") as folder:
            path = Path(folder) / f"standard-input{_ending_of(content)}"
            path.write_bytes(content)
            yield Source("standard input", path)
        return
    path = Path(name).expanduser()
    if name in KNOWN and not path.exists():
        yield Source(name, None)
        return
    if not path.exists():
        known = "" if path.suffix or len(path.parts) > 1 else f", or use one of {', '.join(KNOWN)}"
        raise DatasetError(f"{name}: no such file or folder. Check the path{known}.")
    yield Source(str(path), path)


def _read_standard_input() -> bytes:
    content = b"" if sys.stdin is None else sys.stdin.buffer.read()
    if not content:
        raise DatasetError("standard input is empty, expected a CSV, an npz archive or a picture. Pipe one in.")
    return content


def _ending_of(content: bytes) -> str:
    """Tell the kind of a file by how it begins; "" is left to those who read pictures."""
    if content.startswith(b"PK\x03\x04"):
        return ".npz"
    if content.startswith(b"\x1f\x8b"):
        return ".csv.gz"
    start = content[:1024]
    is_text = all(byte >= 32 or byte in b"\t\r\n" for byte in start) and b"\xff" not in start[:2]
    return ".csv" if is_text else ""
