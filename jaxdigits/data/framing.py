"""Bring any picture to what a model was trained on: its shape, its range, light ink on a dark ground.

Trained models expect ink as high values and paper as low ones, as MNIST has them. What is done here is the least
that makes a picture of one digit readable: its levels and its size. The digit is neither searched for nor centered.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["frame_picture", "has_light_paper"]

MIN_CONTRAST = 32
"""Levels between paper and ink below which a picture is taken for blank, and its noise is not blown up."""


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
    >>> from jaxdigits.data.framing import has_light_paper
    >>> has_light_paper(np.full((2, 8, 8), 250), white=255)
    True
    """
    rows, columns = images[:, [0, -1], :], images[:, 1:-1, [0, -1]]
    border = np.concatenate([rows.ravel(), columns.ravel()])
    return bool(np.median(border) > white / 2)


def frame_picture(
    picture: NDArray[np.uint8], shape: tuple[int, int], *, pixel_range: tuple[float, float] = (0.0, 255.0)
) -> NDArray[np.float32]:
    """Bring a gray picture of a digit to the shape and the range that a model was trained on.

    Dark ink on a light border is inverted. The picture is resized, keeping its aspect, and centered on paper. The level
    of the border becomes exactly the low end of the range, and the strongest ink the high end.

    Parameters
    ----------
    picture : ndarray of shape (h, w), uint8
        Gray levels, 0 to 255.
    shape : (height, width)
        Shape that is wanted.
    pixel_range : (low, high), default=(0.0, 255.0)
        Levels of paper and ink that are wanted.

    Returns
    -------
    ndarray of `shape`, float32

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.framing import frame_picture
    >>> page = np.full((40, 20), 240, np.uint8)
    >>> page[10:30, 5:15] = 15
    >>> frame_picture(page, (8, 8), pixel_range=(0, 16))[4]
    array([ 0.,  0.,  0., 16., 16.,  0.,  0.,  0.], dtype=float32)
    """
    ink = 255 - picture if has_light_paper(picture[None], white=255) else picture
    ink = _resize(_clear_paper(ink), shape)
    low, high = pixel_range
    strongest = max(float(ink.max()), MIN_CONTRAST)  # after resizing, which thins fine strokes
    return (low + ink / strongest * (high - low)).astype(np.float32)


def _clear_paper(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move the level of the border to 0."""
    border = np.concatenate([ink[[0, -1], :].ravel(), ink[1:-1, [0, -1]].ravel()])
    cleared: NDArray[np.uint8] = np.rint((ink - np.median(border)).clip(min=0)).astype(np.uint8)
    return cleared


def _resize(ink: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    if ink.shape == shape:
        return ink
    factor = min(shape[0] / ink.shape[0], shape[1] / ink.shape[1])
    height, width = (max(1, round(side * factor)) for side in ink.shape)
    # Averages when shrinking, so that thin strokes stay; smooth when enlarging.
    method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    resized = np.asarray(Image.fromarray(ink).resize((width, height), method))
    framed = np.zeros(shape, np.uint8)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    framed[top : top + height, left : left + width] = resized
    return framed
