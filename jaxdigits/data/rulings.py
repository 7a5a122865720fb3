"""Lines that belong to the paper: ruled and squared pages, frames of form cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["remove_rulings"]

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_RUN = 0.3  # of the width: a run of ink this long may be a piece of a line
_SPAN = 0.8  # of the width: pieces on one level that reach this far are a line
_THICK = 0.05  # of the shorter side: anything thicker is no line


class _Line(NamedTuple):
    """A line across the picture: its pixels, and what tells it from a stroke."""

    pixels: Mask
    thickness: float
    strength: float
    marginal: bool


def remove_rulings(strength: Floats, threshold: float) -> tuple[Floats, bool]:
    """Remove straight lines that run across the whole picture, and keep the strokes that cross them.

    A line goes when there are three or more side by side, when it is fainter or finer than the rest of the ink, or
    when it runs along the margin; a digit's own bar, as strong and as wide as its other strokes, stays.

    Parameters
    ----------
    strength : ndarray of shape (h, w), float32
        Paper 0, full ink about 1.
    threshold : float
        Strengths above are ink.

    Returns
    -------
    strength : ndarray of shape (h, w), float32
        Without the lines.
    removed : bool
        Whether there were any.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.rulings import remove_rulings
    >>> page = np.zeros((100, 100), np.float32)
    >>> page[::20] = 0.6
    >>> page[25:75, 45:52] = 1.0
    >>> clean, removed = remove_rulings(page, 0.4)
    >>> removed, float(clean[40, 10]), float(clean[40, 48])
    (True, 0.0, 1.0)
    """
    clean, horizontal = _remove_across(strength, threshold)
    turned, vertical = _remove_across(np.ascontiguousarray(clean.T), threshold)
    if not (horizontal or vertical):
        return strength, False
    return np.ascontiguousarray(turned.T), True


def _remove_across(strength: Floats, threshold: float) -> tuple[Floats, bool]:
    mask = strength > 0.6 * threshold
    lines = _find_lines(strength, mask)
    if not lines:
        return strength, False
    taken = np.logical_or.reduce([line.pixels for line in lines])
    rest = (strength > threshold) & ~ndimage.binary_dilation(taken, iterations=2)
    if rest.sum() < 0.002 * rest.size:  # the lines are all there is: blank paper, or a digit of straight strokes
        return (_erase_all(strength, lines), True) if len(lines) >= 3 else (strength, False)
    level = float(np.percentile(strength[rest], 75))
    width = _stroke_width(rest)
    kept = [
        line
        for line in lines
        if len(lines) >= 3
        or line.strength < 0.75 * level
        or line.thickness < 0.55 * width
        or (line.marginal and line.thickness < 0.9 * width)
    ]
    return _erase_all(strength, kept), bool(kept)


def _erase_all(strength: Floats, lines: list[_Line]) -> Floats:
    for line in lines:
        strength = _erase(strength, line)
    return strength


def _find_lines(strength: Floats, mask: Mask) -> list[_Line]:
    height, width = mask.shape
    run = max(12, int(_RUN * width))
    # A line that climbs by a pixel now and then is still one run of this.
    thickened = ndimage.maximum_filter1d(mask.view(np.uint8), 3, axis=0)
    runs = ndimage.maximum_filter1d(ndimage.minimum_filter1d(thickened, run, axis=1, mode="constant"), run, axis=1)
    labels, _ = ndimage.label(runs & thickened, structure=np.ones((3, 3)))
    lines = []
    for index, where in enumerate(ndimage.find_objects(labels), start=1):
        if where is None:
            continue
        span = where[1].stop - where[1].start
        if span < _SPAN * width:
            continue
        pixels = (labels == index) & mask
        thickness = float(pixels.sum()) / span
        if thickness > max(3.0, _THICK * min(height, width)):
            continue
        middle = (where[0].start + where[0].stop) / 2 / height
        level = float(np.median(strength[pixels])) if pixels.any() else 0.0
        lines.append(_Line(pixels, thickness, level, marginal=min(middle, 1 - middle) < 0.1))
    return lines


def _stroke_width(mask: Mask) -> float:
    """Twice the area over the perimeter."""
    edges = int((mask[1:] != mask[:-1]).sum()) + int((mask[:, 1:] != mask[:, :-1]).sum())
    return 2.4 * float(mask.sum()) / max(1, edges)  # 2.4, not 2: steps make an oblique edge longer than it is


def _erase(strength: Floats, line: _Line) -> Floats:
    """Within a line, keep what goes on above and below it."""
    height = int(np.ceil(line.thickness)) + 2  # and their soft edges
    top, bottom = np.flatnonzero(line.pixels.any(axis=1))[[0, -1]]
    rows = slice(max(0, top - 2 * height), min(len(strength), bottom + 2 * height + 1))
    band = strength[rows]
    opened = ndimage.maximum_filter1d(
        ndimage.minimum_filter1d(band, height, axis=0, mode="constant"), height, axis=0, mode="constant"
    )
    near = ndimage.binary_dilation(line.pixels[rows], structure=np.ones((3, 3)), iterations=2)
    cleaned = strength.copy()
    cleaned[rows] = np.where(near, np.minimum(band, opened), band)
    return cleaned
