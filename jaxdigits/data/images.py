"""Any picture of a digit, brought to what MNIST's makers did to theirs, with a diagnosis of what was found and mended.

The contract (LeCun et al., 1998): ink 1.0 on paper 0.0, aspect kept in a box of 20 x 20 pixels, centered by mass in
28 x 28. A network is right on people's own handwriting as far as this holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jaxdigits.data.components import Choice, choose_digit
from jaxdigits.data.decoding import Box, Picture, Raster, open_picture
from jaxdigits.data.ink import Ink, find_ink
from jaxdigits.data.strokes import SIDE, canonical_image, is_canonical
from jaxdigits.errors import InputError

__all__ = ["Diagnosis", "canonical_digit", "canonical_digits", "diagnose"]

Floats = NDArray[np.float32]

LONGEST = 640
"""Longer sides are reduced to this first; a digit that is small in its picture is then read again from the whole."""

SMALLEST_DIGIT = 60


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a picture, and what was mended.

    Parameters
    ----------
    size : (width, height)
        Of the upright picture, in pixels.
    box : (left, top, right, bottom) or None
        The ink that was read, in pixels of the upright picture; None where there was none.
    canonical : bool, default=False
        The picture was a canonical image already and was left as it was.
    blank : bool, default=False
        Nothing stands out of the picture.
    hopeless : bool, default=False
        Something is there, but nothing that could be a stroke.
    inverted : bool, default=False
        Light ink on a dark ground, turned over.
    transparent : bool, default=False
        Drawn on a transparent ground.
    rotated : {0, 90, 180, 270}, default=0
        Degrees clockwise that the picture was turned, as its EXIF says.
    off_center : (x, y), default=(0.0, 0.0)
        From the middle of the picture to the middle of the digit, in pixels.
    thin, thick : bool, default=False
        Strokes were thinner or thicker than MNIST's, and were brought to its width.
    low_contrast : bool, default=False
        Ink and paper are close.
    shaded : bool, default=False
        Uneven light was removed.
    ruled : bool, default=False
        Lines of the paper were removed.
    n_digits : int, default=1
        How many things of a digit's size stand in the picture.

    Examples
    --------
    >>> from jaxdigits.data.images import Diagnosis
    >>> Diagnosis((100, 100), (10, 10, 40, 60), inverted=True, thin=True).describe()
    'light ink on dark, turned over; thin strokes, thickened'
    """

    size: tuple[int, int]
    box: Box | None
    canonical: bool = False
    blank: bool = False
    hopeless: bool = False
    inverted: bool = False
    transparent: bool = False
    rotated: int = 0
    off_center: tuple[float, float] = (0.0, 0.0)
    thin: bool = False
    thick: bool = False
    low_contrast: bool = False
    shaded: bool = False
    ruled: bool = False
    n_digits: int = 1

    @property
    def several(self) -> bool:
        """Whether more than one digit seems to stand in the picture."""
        return self.n_digits > 1

    @property
    def readable(self) -> bool:
        """Whether there is something to read."""
        return not (self.blank or self.hopeless)

    def describe(self) -> str:
        """Say what was found and mended, in words; empty if nothing was.

        Returns
        -------
        str
            Findings separated by semicolons.
        """
        dx, dy = (abs(shift) / side for shift, side in zip(self.off_center, self.size, strict=True))
        findings = {
            "blank, nothing to read": self.blank,
            "no stroke stands out, not read": self.hopeless,
            f"{self.n_digits} digits": self.several,
            f"turned by {self.rotated} degrees, as the camera noted": bool(self.rotated),
            "transparent ground": self.transparent,
            "light ink on dark, turned over": self.inverted and not self.canonical,
            "faint, contrast raised": self.low_contrast,
            "uneven light, removed": self.shaded,
            "lines of the paper, removed": self.ruled,
            "thin strokes, thickened": self.thin,
            "thick strokes, thinned": self.thick,
            "off center, moved": self.readable and max(dx, dy) > 0.1,
        }
        return "; ".join(words for words, found in findings.items() if found)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON.

        Returns
        -------
        dict
            Field names to values, and ``description``.
        """
        return {**vars(self), "description": self.describe()}


def canonical_digit(picture: Picture) -> tuple[Floats, Diagnosis]:
    """Bring a picture of one digit to the form of MNIST's images.

    Transparency is laid on a ground of its own, EXIF rotation undone; ink is told from paper by border and strokes;
    uneven light, shadows and the paper's lines are removed; specks, frames and neighbors are dropped while broken
    strokes of one digit stay together; strokes are brought to MNIST's width; the aspect is kept in a box of 20 x 20
    pixels, and the center of mass becomes the center of 28 x 28. An image that is in this form already passes
    unchanged.

    Parameters
    ----------
    picture : path, bytes, PIL.Image.Image or ndarray of shape (h, w) or (h, w, 1 to 4)
        Any size from 8 x 8 pixels, any depth, with color or alpha or without.

    Returns
    -------
    image : ndarray of shape (28, 28), float32
        Ink 1.0, paper 0.0; all zeros if there is nothing to read.
    diagnosis : Diagnosis
        What was found and mended.

    Raises
    ------
    DatasetError
        If a file is no picture that can be read.
    InputError
        If an array is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.images import canonical_digit
    >>> page = np.full((200, 120), 230, np.uint8)
    >>> page[40:140, 30:36] = 60
    >>> image, diagnosis = canonical_digit(page)
    >>> image.shape, diagnosis.thin, diagnosis.box
    ((28, 28), True, (30, 40, 36, 140))
    """
    raster = open_picture(picture, longest=LONGEST)
    passed = _pass_canonical(raster)
    if passed is not None:
        return passed
    ink = find_ink(raster)
    choice = choose_digit(ink)
    if choice is not None and raster.scale < 1 and max(choice.mask.shape) < SMALLEST_DIGIT:
        raster = open_picture(picture, longest=LONGEST, region=_surroundings(choice, ink, raster))
        ink = find_ink(raster)
        closer = choose_digit(ink)
        # The closer look leaves the others out of sight.
        choice = closer and replace(closer, n_digits=max(choice.n_digits, closer.n_digits))
    return _finish(raster, ink, choice)


def canonical_digits(pictures: Iterable[Picture]) -> tuple[Floats, list[Diagnosis]]:
    """Bring several pictures of one digit each to the form of MNIST's images.

    Parameters
    ----------
    pictures : iterable of pictures
        As for `canonical_digit`; an array of shape (n, h, w) or (n, h, w, channels) is n of them.

    Returns
    -------
    images : ndarray of shape (n, 28, 28), float32
        Ink 1.0, paper 0.0.
    diagnoses : list of Diagnosis
        One a picture.

    Raises
    ------
    DatasetError, InputError
        If one is no picture; the message tells its place in the list, counted from 1.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.images import canonical_digits
    >>> images, diagnoses = canonical_digits(np.zeros((2, 16, 16), np.uint8))
    >>> images.shape, diagnoses[0].blank
    ((2, 28, 28), True)
    """
    if isinstance(pictures, str | bytes | os.PathLike) or hasattr(pictures, "getbands"):
        raise InputError(f"pictures must be several, got one {type(pictures).__name__}. Pass it in a list.")
    images, diagnoses = [], []
    for place, picture in enumerate(pictures, start=1):
        try:
            image, diagnosis = canonical_digit(picture)
        except InputError as error:
            raise type(error)(f"picture {place}: {error}") from error
        images.append(image)
        diagnoses.append(diagnosis)
    return np.array(images, np.float32).reshape(-1, SIDE, SIDE), diagnoses


def diagnose(raster: Raster, ink: Ink, choice: Choice | None) -> Diagnosis:
    """Put into a diagnosis what the steps found.

    Parameters
    ----------
    raster : Raster
        The picture.
    ink : Ink
        What stands out of it.
    choice : Choice or None
        The digit's part of the ink; None if there is none.

    Returns
    -------
    Diagnosis
        Without what mending the strokes will tell.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.components import choose_digit
    >>> from jaxdigits.data.decoding import open_picture
    >>> from jaxdigits.data.images import diagnose
    >>> from jaxdigits.data.ink import find_ink
    >>> raster = open_picture(np.full((60, 40), 240, np.uint8))
    >>> ink = find_ink(raster)
    >>> diagnose(raster, ink, None).blank
    True
    """
    found = Diagnosis(
        raster.size,
        None,
        blank=ink.blank,
        hopeless=choice is None and not ink.blank,
        inverted=ink.inverted,
        transparent=ink.transparent,
        rotated=raster.rotated,
        low_contrast=ink.low_contrast,
        shaded=ink.shaded,
        ruled=ink.ruled,
    )
    if choice is None:
        return found
    box = _find_box(raster, ink, choice)
    middle = ((box[0] + box[2]) / 2 - raster.size[0] / 2, (box[1] + box[3]) / 2 - raster.size[1] / 2)
    return replace(found, box=box, off_center=middle, n_digits=choice.n_digits)


def _find_box(raster: Raster, ink: Ink, choice: Choice) -> Box:
    """Find the box of a digit's ink, without its soft edges, in pixels of the upright picture."""
    mask = choice.mask & (_cut(ink, choice) > ink.threshold)
    ends = []
    for axis, start in enumerate((choice.left, choice.top)):
        span = (np.flatnonzero(mask.any(axis=axis))[[0, -1]] + [start, start + 1]) / ink.scale
        # Where pixels were enlarged, one that is half covered may count or not; else every one that is touched does.
        first, last = np.rint(span) if ink.scale > 1 else (np.floor(span[0] + 1e-6), np.ceil(span[1] - 1e-6))
        first, last = int(first) + raster.origin[axis], int(last) + raster.origin[axis]
        ends.append((first, min(max(last, first + 1), raster.size[axis])))
    (left, right), (top, bottom) = ends
    return left, top, right, bottom


def _cut(ink: Ink, choice: Choice) -> Floats:
    height, width = choice.mask.shape
    return ink.strength[choice.top : choice.top + height, choice.left : choice.left + width]


def _pass_canonical(raster: Raster) -> tuple[Floats, Diagnosis] | None:
    """Leave alone what is canonical already, in either polarity."""
    if raster.alpha is not None or raster.levels.shape != (SIDE, SIDE):
        return None
    turned = 1 - raster.levels
    exact = np.rint(turned * 255) / np.float32(255)  # bytes turned over are bytes: no rounding is left behind
    turned = exact.astype(np.float32) if np.abs(exact - turned).max() < 1e-6 else turned
    for image, inverted in ((raster.levels, True), (turned, False)):
        if is_canonical(image):
            rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
            box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
            diagnosis = Diagnosis(raster.size, box, canonical=True, inverted=inverted, rotated=raster.rotated)
            return np.ascontiguousarray(image, np.float32), diagnosis
    return None


def _surroundings(choice: Choice, ink: Ink, raster: Raster) -> Box:
    """Return the box of a digit with as much around it, in pixels of the picture."""
    height, width = choice.mask.shape
    margin = max(height, width)
    corners = (
        choice.left - margin,
        choice.top - margin,
        choice.left + width + margin,
        choice.top + height + margin,
    )
    left, top, right, bottom = (round(corner / ink.scale) for corner in corners)
    return max(left, 0), max(top, 0), min(right, raster.size[0]), min(bottom, raster.size[1])


def _finish(raster: Raster, ink: Ink, choice: Choice | None) -> tuple[Floats, Diagnosis]:
    diagnosis = diagnose(raster, ink, choice)
    if choice is None:
        return np.zeros((SIDE, SIDE), np.float32), diagnosis
    # The soft edges of its own strokes belong to the digit, those of others do not.
    strength = np.where(choice.mask, _cut(ink, choice), 0).astype(np.float32)
    canonical = canonical_image(strength, ink.threshold, scale=max(1.0, ink.scale))
    return canonical.image, replace(diagnosis, thin=canonical.thin, thick=canonical.thick)
