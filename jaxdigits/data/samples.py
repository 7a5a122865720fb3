"""Samples held in memory: what every reader of a data set gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jaxdigits.errors import DatasetError, InputError

if TYPE_CHECKING:
    from numpy.random import RandomState

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Samples and their labels, as they were read.

    Nothing is scaled, inverted, or converted: uint8 stays uint8, and dark ink on light paper stays so.

    Parameters
    ----------
    X : ndarray of shape (n, h, w) or (n, n_features)
        Images in 0 to 255 as a rule, or flat rows, of any integer or floating-point dtype.
    y : ndarray of shape (n,), default=None
        Labels, int64 unless the file held text; None if the source holds no labels.
    path : Path, default=Path()
        File or folder that was read.
    files : tuple of Path, default=()
        One file a sample, if each sample is a file of its own.

    Raises
    ------
    DatasetError
        If X is not a numeric array of 2 or 3 dimensions with at least one sample, or if y does not hold
        one label a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.datasets import Dataset
    >>> dataset = Dataset(np.zeros((20, 8, 8), np.uint8), np.repeat([0, 1], 10))
    >>> train, test = dataset.split(0.2, random_state=0)
    >>> len(train), len(test), np.bincount(test.y)
    (16, 4, array([2, 2]))
    """

    X: NDArray[Any]
    y: NDArray[Any] | None = None
    path: Path = Path()
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        X, y = self.X, self.y
        if X.dtype.kind not in "uif":
            raise DatasetError(f"{self.path}: samples have dtype {X.dtype}, expected numbers. Convert them first.")
        if X.ndim not in (2, 3) or not X.size:
            raise DatasetError(
                f"{self.path}: samples have shape {X.shape}, expected (n, h, w) or (n, n_features) with none "
                "of them zero. Reshape the array, or check that the source is not empty."
            )
        if y is not None and y.shape != X.shape[:1]:
            raise DatasetError(
                f"{self.path}: labels have shape {y.shape}, expected {X.shape[:1]}, one label a sample. "
                "Check that samples and labels belong together; turn one-hot rows into labels with argmax."
            )
        if self.files and len(self.files) != len(X):
            raise DatasetError(f"{self.path}: got {len(self.files)} file names for {len(X)} samples.")

    def __len__(self) -> int:
        """Count the samples."""
        return len(self.X)

    def __repr__(self) -> str:
        """Tell the counts, the shape, and the source in one line."""
        shape = " x ".join(str(size) for size in self.X.shape[1:])
        kind = "images" if self.X.ndim == 3 else "rows"
        labels = "no labels" if self.y is None else f"{len(np.unique(self.y))} classes"
        return f"Dataset({len(self)} {kind} of {shape}, {self.X.dtype}, {labels}, path={str(self.path)!r})"

    def take(self, indices: NDArray[np.integer[Any]]) -> Dataset:
        """Pick samples by their positions, in the order given.

        Parameters
        ----------
        indices : ndarray of int of shape (k,)
            Positions of the samples wanted.

        Returns
        -------
        Dataset
            The k samples with their labels and files.
        """
        y = None if self.y is None else self.y[indices]
        files = tuple(self.files[i] for i in indices) if self.files else ()
        return Dataset(self.X[indices], y, self.path, files)

    def split(
        self,
        test_size: float = 0.2,
        *,
        random_state: int | RandomState | None = None,
        stratify: bool = True,
    ) -> tuple[Dataset, Dataset]:
        """Shuffle the samples, then part them in two.

        Parameters
        ----------
        test_size : float or int, default=0.2
            Share of the second part if below 1, else its number of samples.
        random_state : int, RandomState instance or None, default=None
            Seed of the shuffle; the same int gives the same parts.
        stratify : bool, default=True
            Keep each class's share in both parts. Needs labels, at least two samples of each class, and at
            least one sample a class in either part.

        Returns
        -------
        tuple of (Dataset, Dataset)
            The larger part to train with and the part held out; together they hold every sample once.

        Raises
        ------
        InputError
            If the samples cannot be parted as asked.
        """
        from sklearn.model_selection import train_test_split

        if stratify:
            self._check_stratify()
        try:
            train, test = train_test_split(
                np.arange(len(self)),
                test_size=test_size,
                random_state=random_state,
                stratify=self.y if stratify else None,
            )
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"cannot split {self!r}: {reason}") from error
        return self.take(train), self.take(test)

    def _check_stratify(self) -> None:
        if self.y is None:
            raise InputError(f"cannot split {self!r} by class: it has no labels. Pass stratify=False.")
        classes, counts = np.unique(self.y, return_counts=True)
        if counts.min() < 2:
            raise InputError(
                f"cannot split {self!r} by class: label {classes[counts.argmin()]} has 1 sample, expected "
                "2 or more. Add samples of it, or pass stratify=False."
            )
