"""Canonical images in other sizes and slightly moved, by linear resampling in NumPy alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.errors import InputError

__all__ = ["SIDE", "VIEWS", "check_canonical", "make_views", "resize_canonical"]

Floats = NDArray[np.float32]

SIDE = 28
"""Height and width of a canonical image."""

LARGEST_FILLED = 20
"""Images of this side or less have a digit fill them (8 x 8, 16 x 16, 20 x 20); larger ones have a margin, as MNIST."""

VIEWS: tuple[tuple[float, float, float], ...] = (
    (1.0, 0.0, 0.0),
    (1.0, 0.0, 1.0),
    (1.0, 0.0, -1.0),
    (1.0, 1.0, 0.0),
    (1.0, -1.0, 0.0),
    (1.05, 0.0, 0.0),
    (0.95, 0.0, 0.0),
    (1.05, 0.5, 0.5),
    (0.95, -0.5, -0.5),
)
"""Scale, shift down and shift right, in pixels, of each view that `make_views` takes."""


def check_canonical(images: ArrayLike) -> Floats:
    """Check images in the form of MNIST's, and bring them to one type.

    Parameters
    ----------
    images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
        uint8 from 0 to 255 or float from 0 to 1, ink high.

    Returns
    -------
    ndarray of shape (n, 28, 28), float32
        Ink 1.0, paper 0.0.

    Raises
    ------
    InputError
        If they have another shape, type or range.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.resampling import check_canonical
    >>> float(check_canonical(np.full((1, 784), 51, np.uint8)).max())
    0.2
    """
    array = np.asarray(images)
    expected = ((SIDE, SIDE), (SIDE * SIDE,), (SIDE, SIDE, 1))
    if array.shape[1:] not in expected or not len(array):
        raise InputError(
            f"images must have shape (n, 28, 28), (n, 784) or (n, 28, 28, 1), got {array.shape}. "
            "Bring pictures to that with jaxdigits.data.images.canonical_digits, or use read."
        )
    array = array.reshape(-1, SIDE, SIDE)
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    low, high = (float(array.min()), float(array.max())) if array.dtype.kind == "f" else (math.nan, math.nan)
    if not -1e-6 <= low <= high <= 1 + 1e-6:  # NaN is not, either
        held = f"{array.dtype} from {low:g} to {high:g}" if array.dtype.kind == "f" else str(array.dtype)
        raise InputError(
            f"images must be uint8 from 0 to 255 or float from 0 to 1, ink high, got {held}. Convert them."
        )
    return array.astype(np.float32).clip(0, 1)


def _weights(n_out: int, start: float, stop: float) -> Floats:
    """Return the (n_out, 28) matrix that resamples [start, stop] of 28 pixels; outside is paper, 0.

    A new pixel is the mean of the area it covers when shrinking, and interpolated linearly when enlarging.
    """
    ratio = (stop - start) / n_out
    centers = start + (np.arange(n_out)[:, None] + 0.5) * ratio
    half, pixels = max(ratio, 1.0) / 2, np.arange(SIDE)
    covered = np.minimum(centers + half, pixels + 1) - np.maximum(centers - half, pixels)
    weights: Floats = (covered.clip(min=0) / (2 * half)).astype(np.float32)
    return weights


def _resample(images: Floats, rows: Floats, columns: Floats) -> Floats:
    resampled: Floats = np.matmul(np.matmul(rows, images), columns.T)
    return resampled


def resize_canonical(images: ArrayLike, shape: tuple[int, int]) -> Floats:
    """Resize canonical images to what sets of another size look like.

    Larger images than 20 x 20 get the whole image with its margin. Sets of smaller ones have digits that fill their
    frame, as scikit-learn's of 8 x 8 pixels do: the ink's own box is made to fill it, aspect kept. (Networks trained
    on those read 49 % of MNIST's training digits that way, and 23 % with the margin.)

    Parameters
    ----------
    images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
        As for `check_canonical`.
    shape : (height, width)
        Size that is wanted.

    Returns
    -------
    ndarray of shape (n, height, width), float32
        Ink 1.0, paper 0.0.

    Raises
    ------
    InputError
        If images are not canonical.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.resampling import resize_canonical
    >>> image = np.zeros((1, 28, 28))
    >>> image[0, 4:24, 13:15] = 1.0  # a one
    >>> resize_canonical(image, (4, 4))[0]
    array([[0. , 0.2, 0.2, 0. ],
           [0. , 0.2, 0.2, 0. ],
           [0. , 0.2, 0.2, 0. ],
           [0. , 0.2, 0.2, 0. ]], dtype=float32)
    """
    canonical = check_canonical(images)
    if shape == (SIDE, SIDE):
        return canonical
    if max(shape) <= LARGEST_FILLED:
        return np.stack([_fill(image, shape) for image in canonical])
    rows, columns = (_weights(side, 0, SIDE) for side in shape)
    return _resample(canonical, rows, columns)


def _fill(image: Floats, shape: tuple[int, int]) -> Floats:
    """Resample the box of an image's ink so that it fills the shape, aspect kept."""
    if not image.any():
        return np.zeros(shape, np.float32)
    spans = [np.flatnonzero(image.max(axis=axis) > 0.5 * image.max()) for axis in (1, 0)]
    ends = [(int(span[0]), int(span[-1]) + 1) for span in spans]
    ratio = max((high - low) / side for (low, high), side in zip(ends, shape, strict=True))
    rows, columns = (
        _weights(side, (low + high - ratio * side) / 2, (low + high + ratio * side) / 2)
        for (low, high), side in zip(ends, shape, strict=True)
    )
    return _resample(image, rows, columns)


def make_views(images: ArrayLike, n_views: int) -> Floats:
    """Return slightly shifted and scaled copies of canonical images, for averaging over them.

    Parameters
    ----------
    images : array-like of shape (n, 28, 28), (n, 784) or (n, 28, 28, 1)
        As for `check_canonical`.
    n_views : int
        How many of `VIEWS` to take.

    Returns
    -------
    ndarray of shape (n_views, n, 28, 28), float32
        The images themselves come first.

    Raises
    ------
    InputError
        If images are not canonical, or there are not so many views.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.resampling import make_views
    >>> image = np.zeros((1, 28, 28))
    >>> image[0, 14, 14] = 1.0
    >>> [np.argwhere(view)[0].tolist() for view in make_views(image, 3)[:, 0]]
    [[14, 14], [14, 15], [14, 13]]
    """
    if isinstance(n_views, bool) or not isinstance(n_views, int | np.integer) or not 1 <= n_views <= len(VIEWS):
        raise InputError(f"n_views must be an int from 1 to {len(VIEWS)}, got {n_views!r}. Use 1, or 5.")
    canonical = check_canonical(images)
    views = [canonical]
    for scale, down, right in VIEWS[1:n_views]:
        half = SIDE / 2 / scale
        middles = (SIDE / 2 - shift / scale for shift in (down, right))
        rows, columns = (_weights(SIDE, middle - half, middle + half) for middle in middles)
        views.append(_resample(canonical, rows, columns))
    return np.stack(views)
