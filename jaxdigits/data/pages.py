"""Find the digits of a page: a photo or a scan becomes lines of canonical images in reading order.

Ink is separated from paper, the page is turned level, lines and squares of the paper are removed; what hangs together
becomes a digit, broken strokes are joined, dirt is dropped. Whether something wide is one digit or two that touch is
not decided here: the page offers both, and whoever reads the digits chooses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jaxdigits.data.decoding import Box, Picture, Raster, open_picture
from jaxdigits.data.images import Diagnosis, diagnose
from jaxdigits.data.ink import Ink, find_ink
from jaxdigits.data.page_cuts import NARROWEST_PAIR, choose_cuts, find_cuts, rate_split
from jaxdigits.data.page_layout import Group, Piece, find_pieces, group_lines
from jaxdigits.data.page_light import even_light
from jaxdigits.data.page_skew import LevelPage, find_skew, turn_level
from jaxdigits.data.rulings import remove_rulings
from jaxdigits.data.strokes import canonical_image

__all__ = ["Blob", "Page", "Part", "find_digits"]

LONGEST = 2400
"""Longer sides are reduced to at most this: a digit of a hundredth of the page still has 24 pixels."""

_LEAST_ODDS = -4.4  # all right splits were rated higher, and 92 % of the wrong ones lower
_EVEN_ODDS = 0.0


@dataclass(frozen=True)
class Part:
    """A digit, or what may be one.

    Attributes
    ----------
    box : (left, top, right, bottom)
        In pixels of the upright picture, not turned level; right and bottom lie outside.
    image : ndarray of shape (28, 28), float32
        In canonical form: ink 1.0, paper 0.0.
    diagnosis : Diagnosis
        What was found and mended.
    """

    box: Box
    image: NDArray[np.float32]
    diagnosis: Diagnosis


@dataclass(frozen=True)
class Blob(Part):
    """Ink that is one digit, or several that touch.

    Attributes
    ----------
    splits : tuple of tuple of Part
        Other ways to see it: each two or more parts, from left to right. The same part may occur in several splits, as
        the same object.
    odds : tuple of float
        For each split the logarithm of the odds, by its geometry alone, that it is right; the likeliest comes first.
    """

    splits: tuple[tuple[Part, ...], ...] = ()
    odds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Page:
    """What stands on a page.

    Attributes
    ----------
    lines : tuple of tuple of Blob
        From top to bottom, and in each from left to right.
    angle : float
        Degrees counter-clockwise that the lines of the picture are turned.
    size : (width, height)
        Of the upright picture, in pixels.
    diagnosis : Diagnosis
        Of the whole picture; `n_digits` counts the blobs.
    """

    lines: tuple[tuple[Blob, ...], ...]
    angle: float
    size: tuple[int, int]
    diagnosis: Diagnosis


def find_digits(picture: Picture) -> Page:
    """Find the digits of a page.

    Parameters
    ----------
    picture : path, bytes, PIL.Image.Image or ndarray of shape (h, w), (h, w, 1), (h, w, 2), (h, w, 3) or (h, w, 4)
        A photo or a scan; lines may be turned by up to 15 degrees, digits should be at least a hundredth of the
        longer side high.

    Returns
    -------
    Page
        Without lines if the page is blank.

    Raises
    ------
    DatasetError
        If a file is no picture that can be read.
    InputError
        If an array is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.pages import find_digits
    >>> page = np.full((200, 300), 230, np.uint8)
    >>> for left in (40, 120, 200):
    ...     page[60:120, left : left + 7] = 40
    >>> [blob.box for blob in find_digits(page).lines[0]]
    [(40, 60, 47, 120), (120, 60, 127, 120), (200, 60, 207, 120)]
    """
    raster = open_picture(picture, longest=LONGEST)
    even = even_light(raster)
    ink = find_ink(even.raster)
    ink = replace(ink, inverted=ink.inverted != even.inverted, shaded=ink.shaded or even.shaded)
    if ink.blank:
        return Page((), 0.0, raster.size, diagnose(raster, ink, None))
    level = turn_level(ink.strength, find_skew(ink.strength > ink.threshold))
    strength, ruled = remove_rulings(level.strength, ink.threshold)
    level = replace(level, strength=strength)
    labels, pieces = find_pieces(strength > ink.threshold, level.mark_border())
    found = replace(diagnose(raster, ink, None), hopeless=False, ruled=ink.ruled or ruled)
    cutter = _Cutter(level, labels, ink, raster, found)
    lines = tuple(tuple(cutter.make_blob(group) for group in line) for line in group_lines(pieces, strength.shape))
    n_digits = sum(map(len, lines))
    return Page(lines, level.angle, raster.size, replace(found, hopeless=n_digits == 0, n_digits=n_digits))


@dataclass(frozen=True)
class _Crop:
    """Ink of one thing alone, and the corner where it lies on the level page."""

    strength: NDArray[np.float32]
    top: int
    left: int


@dataclass(frozen=True)
class _Cutter:
    """Cuts blobs and parts out of a level page."""

    level: LevelPage
    labels: NDArray[np.int32]
    ink: Ink
    raster: Raster
    found: Diagnosis

    def make_blob(self, group: Group) -> Blob:
        crop = self._crop(group.pieces)
        whole = self._make_part(crop)
        splits = self._split(crop, group)
        if group.doubtful:
            splits.append((_EVEN_ODDS, tuple(self._make_part(self._crop(pieces)) for pieces in group.doubtful)))
        splits.sort(key=lambda split: -split[0])
        return Blob(
            *(whole.box, whole.image, whole.diagnosis),
            splits=tuple(parts for _, parts in splits),
            odds=tuple(odds for odds, _ in splits),
        )

    def _crop(self, pieces: tuple[Piece, ...]) -> _Crop:
        group = Group(pieces)
        # A pixel more around, for the soft edges of the strokes.
        top, left = max(0, group.top - 1), max(0, group.left - 1)
        place = np.s_[top : group.bottom + 1, left : group.right + 1]
        labels = self.labels[place]
        foreign = (labels > 0) & ~np.isin(labels, [piece.number for piece in pieces])
        return _Crop(np.where(foreign, 0, self.level.strength[place]).astype(np.float32), top, left)

    def _split(self, crop: _Crop, group: Group) -> list[tuple[float, tuple[Part, ...]]]:
        """Cut a crop in all ways that are likely enough, and rate them."""
        size, width = min(group.size, group.height), crop.strength.shape[1]
        if width < NARROWEST_PAIR * size:
            return []
        cuts = find_cuts(crop.strength, size)
        edges = [np.zeros(len(crop.strength), np.intp), *(cut for _, cut in cuts), np.full(len(crop.strength), width)]
        made: dict[tuple[int, int], _Crop] = {}
        drawn: dict[tuple[int, int], Part] = {}
        splits = []
        for places in choose_cuts(cuts, width, size):
            pairs = list(pairwise((0, *(place + 1 for place in places), len(cuts) + 1)))
            for pair in pairs:
                if pair not in made:
                    made[pair] = self._crop_between(crop, edges[pair[0]], edges[pair[1]])
            heights = [self._measure_height(made[pair]) / size for pair in pairs]
            odds = rate_split(heights, width / size, sum(cuts[place][0] for place in places) / size)
            if odds >= _LEAST_ODDS:
                drawn.update({pair: self._make_part(made[pair]) for pair in pairs if pair not in drawn})
                splits.append((odds, tuple(drawn[pair] for pair in pairs)))
        return splits

    def _crop_between(self, crop: _Crop, left: NDArray[np.intp], right: NDArray[np.intp]) -> _Crop:
        columns = np.arange(crop.strength.shape[1])
        inside = (columns >= left[:, None]) & (columns < right[:, None])
        return replace(crop, strength=np.where(inside, crop.strength, 0).astype(np.float32))

    def _measure_height(self, crop: _Crop) -> int:
        rows = np.flatnonzero((crop.strength > self.ink.threshold).any(axis=1))
        return int(rows[-1] - rows[0]) + 1 if len(rows) else 0

    def _make_part(self, crop: _Crop) -> Part:
        rows, columns = np.nonzero(crop.strength > self.ink.threshold)
        canonical = canonical_image(crop.strength, self.ink.threshold, scale=max(1.0, self.ink.scale))
        box = self._find_box(rows + crop.top, columns + crop.left)
        width, height = self.found.size
        middle = ((box[0] + box[2] - width) / 2, (box[1] + box[3] - height) / 2)
        diagnosis = replace(self.found, box=box, off_center=middle, thin=canonical.thin, thick=canonical.thick)
        return Part(box, canonical.image, diagnosis)

    def _find_box(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Box:
        """Find the box of pixels of the level page in the picture."""
        seen = self.level.to_page(rows + 0.5, columns + 0.5) / self.ink.scale
        half = 0.5 / self.ink.scale
        width, height = self.raster.size
        (top, left), (bottom, right) = seen.min(axis=1) - half, seen.max(axis=1) + half
        return (
            max(0, int(np.floor(left + 0.01))),
            max(0, int(np.floor(top + 0.01))),
            min(width, int(np.ceil(right - 0.01))),
            min(height, int(np.ceil(bottom - 0.01))),
        )
