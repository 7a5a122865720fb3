"""From the strokes of one digit to the image that MNIST's makers would have made of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from jaxdigits.data.ink import resize

__all__ = ["BOX", "SIDE", "Canonical", "canonical_image", "center_by_mass", "is_canonical", "stroke_width"]

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE, BOX = 28, 20
"""Sides of the image and of the box that the digit fills, in pixels."""

FINE = 4
"""Strokes are mended at this many pixels per pixel of the image."""

THINNEST, THICKEST = 1.8, 3.7
"""Stroke widths, in pixels, that are left alone: 90 % of MNIST's training images lie between 1.7 and 3.6."""

THIN_TARGET, THICK_TARGET = 2.2, 3.4


class Canonical(NamedTuple):
    """A canonical image and what its strokes were like before."""

    image: Floats
    stroke_width: float
    thin: bool
    thick: bool


def canonical_image(strength: Floats, threshold: float, *, scale: float = 1.0) -> Canonical:
    """Bring the strokes of one digit to MNIST's form.

    The digit fills a box of 20 x 20 pixels, its aspect kept, with strokes about as wide as MNIST's; the center of its
    mass is the center of 28 x 28 pixels. Edges are gray, as MNIST's are.

    Parameters
    ----------
    strength : ndarray of shape (h, w), float32
        Ink of this digit alone: paper 0, full ink about 1.
    threshold : float
        Strengths above are ink.
    scale : float, default=1.0
        Pixels of `strength` per pixel of the picture it comes from; the steps of an enlarged bitmap are smoothed.

    Returns
    -------
    Canonical
        Its image is of shape (28, 28), float32, ink 1.0; all zeros without ink.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.strokes import canonical_image
    >>> bar = np.zeros((90, 90), np.float32)
    >>> bar[10:70, 30:38] = 1
    >>> image = canonical_image(bar, 0.5).image
    >>> np.flatnonzero(image.any(axis=0)).tolist(), int(image.any(axis=1).sum())
    ([13, 14, 15], 20)
    """
    rows, columns = np.nonzero(strength > threshold)
    if not len(rows):
        return Canonical(np.zeros((SIDE, SIDE), np.float32), 0.0, False, False)
    crop = strength[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    crop = _keep_lines(crop, threshold)
    fine = _enlarge(crop, threshold, BOX * FINE, scale)
    width = stroke_width(fine) / FINE
    grow = _mend_by(fine, width)
    if grow:
        fine = _enlarge(crop, threshold, round(BOX * FINE - 2 * grow), scale)
        fine = _grow(fine, grow)
    return Canonical(_place(fine), width, grow > 0, grow < 0)


def stroke_width(fine: Floats) -> float:
    """Mean width of strokes: twice their area over their perimeter, in pixels.

    Parameters
    ----------
    fine : ndarray of shape (h, w), float32
        Strokes of 1.0 on 0.0, with edges about a pixel wide.

    Returns
    -------
    float
        0 without strokes.
    """
    vertical, horizontal = np.gradient(np.pad(fine, 2))
    perimeter = float(np.hypot(vertical, horizontal).sum())
    return 2 * float(fine.sum()) / perimeter if perimeter else 0.0


def is_canonical(image: Floats) -> bool:
    """Tell whether an image already is what MNIST's makers would have made of it.

    Parameters
    ----------
    image : ndarray of shape (h, w), float32
        Levels from 0 to 1, ink light.

    Returns
    -------
    bool
        True if it has 28 x 28 pixels, black paper, a longer side of 20 pixels of ink, or 19, and its mass in the
        middle; all 60,000 of MNIST's training images do.
    """
    if image.shape != (SIDE, SIDE) or image.max() < 0.8:
        return False
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 not in (BOX, BOX - 1):  # 13 in 60,000 lost a faint edge
        return False
    return bool(np.abs(np.subtract(_center(image), SIDE / 2)).max() < 0.75)


def center_by_mass(box: Floats) -> Floats:
    """Lay a box on an empty image so that the center of mass is in the middle.

    Parameters
    ----------
    box : ndarray of shape (h, w), float32
        At most 28 pixels high and wide.

    Returns
    -------
    ndarray of shape (28, 28), float32
    """
    image = np.zeros((SIDE, SIDE), np.float32)
    corners = []
    for center, length in zip(_center(box), box.shape, strict=True):
        corners.append(min(max(round(SIDE / 2 - center), 0), SIDE - length))
    top, left = corners
    image[top : top + box.shape[0], left : left + box.shape[1]] = box
    return image


def _center(image: Floats) -> tuple[float, float]:
    total = float(image.sum())
    if not total:
        return image.shape[0] / 2, image.shape[1] / 2
    rows, columns = (float(image.sum(axis=1 - i) @ np.arange(image.shape[i])) / total for i in (0, 1))
    return rows, columns


def _keep_lines(crop: Floats, threshold: float) -> Floats:
    """Widen lines that would vanish when a large picture is reduced to the fine grid."""
    shrink = max(crop.shape) / (BOX * FINE)
    missing = 2 * shrink - stroke_width((crop > threshold).astype(np.float32))
    if shrink <= 1 or missing <= 0:
        return crop
    window = int(np.ceil(missing)) | 1
    return np.asarray(ndimage.maximum_filter(np.pad(crop, window // 2), window, mode="constant"), np.float32)


def _enlarge(crop: Floats, threshold: float, side: int, scale: float) -> Floats:
    """Resize so that the longer side has `side` pixels, then sharpen edges to about a pixel."""
    factor = side / max(crop.shape)
    shape = (max(1, round(crop.shape[0] * factor)), max(1, round(crop.shape[1] * factor)))
    margin = 4  # what lies beyond the crop is paper: edges are to be as soft there as elsewhere
    pad = max(1, round(margin / factor))
    grown = (shape[0] + 2 * round(pad * factor), shape[1] + 2 * round(pad * factor))
    fine = resize(np.pad(crop, pad), grown)
    steps = factor * scale  # pixels that one pixel of the picture became
    if steps > 1.5:
        fine = ndimage.gaussian_filter(fine, min(0.35 * steps, 3.0))
    soft = 0.25 * max(threshold, 0.1) / 0.5
    return np.asarray(np.clip((fine - threshold + soft) / (2 * soft), 0, 1), np.float32)


def _mend_by(fine: Floats, width: float) -> float:
    """Return how far edges are to move outward (negative: inward), in fine pixels."""
    if width < THINNEST:
        return FINE * (THIN_TARGET - width) / 2
    if width <= THICKEST:
        return 0.0
    inside = ndimage.distance_transform_edt(fine > 0.5)
    ridge = inside[(inside == ndimage.maximum_filter(inside, 3)) & (inside > 0)]
    # The thinnest part of the strokes must survive.
    return -min(FINE * (width - THICK_TARGET) / 2, 0.6 * float(np.percentile(ridge, 10)))


def _grow(fine: Floats, by: float) -> Floats:
    """Move all edges outward by `by` pixels, along the distance from the strokes."""
    padded = np.pad(fine, int(np.ceil(max(by, 0))) + 1)
    mask = padded > 0.5
    distance = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    # Distances run from pixel center to pixel center, and so jump by 1 at the edge, which lies half way.
    distance -= 0.5 * np.sign(distance)
    return np.asarray(np.clip(distance + by + 0.5, 0, 1), np.float32)


def _place(fine: Floats) -> Floats:
    """Reduce to the box and center."""
    rows, columns = np.flatnonzero((fine > 0.5).any(axis=1)), np.flatnonzero((fine > 0.5).any(axis=0))
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.float32)
    fine = fine[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = BOX / max(fine.shape)
    height, width = (max(1, round(side * factor)) for side in fine.shape)
    from PIL import Image

    box = np.asarray(Image.fromarray(fine).resize((width, height), Image.Resampling.BOX), np.float32)
    peak = float(box.max())
    return center_by_mass(np.clip(box / max(peak, 0.5), 0, 1))
