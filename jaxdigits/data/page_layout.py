"""From the ink of a level page to digits in lines: pieces, broken strokes joined, dirt dropped, reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Group", "Piece", "find_pieces", "group_lines"]

# All lengths below are shares of the size (height) of digits, on the whole page or in a line.
_SPECK = 0.12  # neither as high nor as wide: dirt
_BODY = 0.45  # at least as high: a digit of its own, not a part of one
_LARGEST = 3.2  # higher: no digit but a frame, a drawing, an edge
_SMALLEST_LINE = 0.4  # lines of smaller digits, against the page's, are dirt
_SMALLEST_DIGIT = 0.42  # lower things in a line are commas, dots and dashes
_GAP = 3.0  # neighbors further apart are linked only through lines
_NEAR = 0.14  # a piece this near belongs to the digit
_HALF_GAP = 0.08  # neighbors this near, one of them low, may be the halves of a broken digit
_STACK = 1.25  # pieces above each other are one digit up to this height

_SOLID, _SOLID_AT_BORDER = 3.5, 2.0  # of the usual thickness of strokes: thicker ink was not drawn

_MIN_PIXELS = 6  # height of the smallest digit that can be read


@dataclass(frozen=True)
class Piece:
    """Ink that hangs together.

    Attributes
    ----------
    number : int
        Its label among the pieces of the page.
    left, top, right, bottom : int
        Its box in pixels; right and bottom lie outside.
    area : int
        Its pixels.
    thickness : float
        Width, in pixels, of the largest square within it: that of its thickest stroke.
    at_border : bool
        Whether it reaches the border of the page.
    """

    number: int
    left: int
    top: int
    right: int
    bottom: int
    area: int
    thickness: float = 1.0
    at_border: bool = False

    @property
    def height(self) -> int:
        """Height of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Width of its box."""
        return self.right - self.left


@dataclass(frozen=True)
class Group:
    """Pieces that make up a digit, or touching digits.

    Attributes
    ----------
    pieces : tuple of Piece
        At least one.
    size : float
        Height of the digits in its line.
    doubtful : tuple of tuple of Piece
        Another way to see the same pieces: as several digits beside each other; empty if there is none.
    """

    pieces: tuple[Piece, ...]
    size: float = 0.0
    doubtful: tuple[tuple[Piece, ...], ...] = ()

    @property
    def left(self) -> int:
        """Left end of its box."""
        return min(piece.left for piece in self.pieces)

    @property
    def top(self) -> int:
        """Upper end of its box."""
        return min(piece.top for piece in self.pieces)

    @property
    def right(self) -> int:
        """Right end of its box, outside."""
        return max(piece.right for piece in self.pieces)

    @property
    def bottom(self) -> int:
        """Lower end of its box, outside."""
        return max(piece.bottom for piece in self.pieces)

    @property
    def height(self) -> int:
        """Height of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Width of its box."""
        return self.right - self.left

    @property
    def area(self) -> int:
        """Its pixels."""
        return sum(piece.area for piece in self.pieces)


def find_pieces(
    mask: NDArray[np.bool_], border: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int32], list[Piece]]:
    """Find what hangs together, diagonals included.

    Parameters
    ----------
    mask : ndarray of shape (h, w), bool
        Where ink is.
    border : ndarray of shape (h, w), bool, or None, default=None
        Where the border of the page lies.

    Returns
    -------
    labels : ndarray of shape (h, w), int32
        0 on paper, else the number of the piece.
    pieces : list of Piece
        Without those of a few pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.page_layout import find_pieces
    >>> mask = np.zeros((20, 20), bool)
    >>> mask[2:12, 3:5] = mask[4:9, 10:16] = True
    >>> [piece.height for piece in find_pieces(mask)[1]]
    [10, 5]
    """
    labels = np.empty(mask.shape, np.int32)
    count = ndimage.label(mask, structure=np.ones((3, 3)), output=labels)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    depths = np.zeros(count + 1, np.int32)
    # A tenth of the time of `ndimage.maximum`, which sorts the whole page.
    np.maximum.at(depths, labels[mask], ndimage.distance_transform_cdt(mask)[mask])
    at_border = set() if border is None else set(np.unique(labels[border]).tolist())
    pieces = [
        Piece(
            *(number, where[1].start, where[0].start, where[1].stop, where[0].stop, int(areas[number])),
            thickness=2.0 * float(depths[number]) - 1,
            at_border=number in at_border,
        )
        for number, where in enumerate(ndimage.find_objects(labels), start=1)
        if where is not None and areas[number] > _MIN_PIXELS
    ]
    return labels, pieces


def group_lines(pieces: Sequence[Piece], shape: tuple[int, int]) -> list[list[Group]]:
    """Put pieces together to digits and digits into lines.

    Parameters
    ----------
    pieces : sequence of Piece
        What `find_pieces` found on a level page.
    shape : (height, width)
        Of the page.

    Returns
    -------
    list of list of Group
        Lines from top to bottom, digits from left to right.
    """
    kept = _drop_solid(_drop_large(pieces, shape))
    size = _typical_height(kept)
    kept = [piece for piece in kept if max(piece.height, piece.width) >= max(_SPECK * size, _MIN_PIXELS / 2)]
    groups = _stack([Group((piece,)) for piece in kept], size)
    bodies = [group for group in groups if group.height >= _SMALLEST_LINE * size]
    lines = _merge_lines(_link(bodies))
    loose = [group for group in groups if group.height < _SMALLEST_LINE * size]
    finished = [_finish_line(line, loose) for line in lines]
    finished = [line for line in finished if line and line[0].size >= max(_SMALLEST_LINE * size, _MIN_PIXELS)]
    return sorted(finished, key=lambda line: float(np.mean([(group.top + group.bottom) / 2 for group in line])))


def _drop_large(pieces: Sequence[Piece], shape: tuple[int, int]) -> list[Piece]:
    """Drop frames, drawings and the page's edges: what is much higher than the rest, or spans the page."""
    kept = [piece for piece in pieces if piece.height < 0.95 * shape[0] or piece.width < 0.5 * shape[1]]
    while kept:
        size = _typical_height(kept)
        rest = [piece for piece in kept if piece.height <= _LARGEST * size and not _is_rule(piece, size)]
        if len(rest) == len(kept):
            return kept
        kept = rest
    return kept


def _drop_solid(pieces: list[Piece]) -> list[Piece]:
    """Drop what no pen has drawn, like the desk in a corner: much thicker than the strokes of the rest."""
    if not pieces:
        return pieces
    usual = _weighted_median([piece.thickness for piece in pieces], [piece.area**0.5 for piece in pieces])
    limits = {False: _SOLID * usual, True: _SOLID_AT_BORDER * usual}
    return [piece for piece in pieces if piece.thickness <= limits[piece.at_border]]


def _is_rule(piece: Piece, size: float) -> bool:
    """Tell whether a piece is a printed line, not strokes: long and flat."""
    return piece.width > 2 * size and piece.height < 0.3 * piece.width and piece.area < 0.25 * size * piece.width / 2


def _typical_height(pieces: Sequence[Piece] | Sequence[Group]) -> float:
    """Median height, each piece counting by the root of its area: one digit outweighs a handful of specks."""
    if not pieces:
        return 0.0
    return _weighted_median([piece.height for piece in pieces], [piece.area**0.5 for piece in pieces])


def _weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    order = np.argsort(values)
    total = np.cumsum(np.asarray(weights)[order])
    return float(np.asarray(values)[order][np.searchsorted(total, total[-1] / 2)])


def _overlap(first: Group | Piece, second: Group | Piece, *, across: bool) -> float:
    """Share of the shorter extent, across (left to right) or down, that two things have in common."""
    a = (first.left, first.right) if across else (first.top, first.bottom)
    b = (second.left, second.right) if across else (second.top, second.bottom)
    return (min(a[1], b[1]) - max(a[0], b[0])) / min(a[1] - a[0], b[1] - b[0])


def _stack(groups: list[Group], size: float) -> list[Group]:
    """Join pieces that lie above each other, like the bar and the body of a 5."""
    groups = sorted(groups, key=lambda group: -group.area)
    done: list[Group] = []
    for group in groups:
        for place, other in enumerate(done):
            if group.height < 0.7 * size and _are_stacked(group, other, size):
                done[place] = Group(other.pieces + group.pieces)
                break
        else:
            done.append(group)
    return done


def _are_stacked(low: Group, other: Group, size: float) -> bool:
    height = max(low.bottom, other.bottom) - min(low.top, other.top)
    gap = max(low.top, other.top) - min(low.bottom, other.bottom)
    return height <= _STACK * max(size, other.height) and gap < 0.25 * size and _overlap(low, other, across=True) >= 0.5


def _link(bodies: list[Group]) -> list[list[Group]]:
    """Chain each body to its nearest neighbor on the right at the same level."""
    bodies = sorted(bodies, key=lambda group: group.left)
    line_of = list(range(len(bodies)))
    for place, body in enumerate(bodies):
        best, nearest = None, np.inf
        for other_place in range(place + 1, len(bodies)):
            other = bodies[other_place]
            gap = other.left - body.right
            if gap > min(nearest, _GAP * max(body.height, other.height)):
                break
            alike = min(body.height, other.height) > 0.35 * max(body.height, other.height)
            if alike and _overlap(body, other, across=False) >= 0.45 and gap < nearest:
                best, nearest = other_place, gap
        if best is not None:
            old, new = line_of[best], line_of[place]
            line_of = [new if line == old else line for line in line_of]
    return [[body for body, line in zip(bodies, line_of, strict=True) if line == one] for one in dict.fromkeys(line_of)]


def _merge_lines(lines: list[list[Group]]) -> list[list[Group]]:
    """Merge parts of a line that a wide gap separates: they lie beside each other at the same level."""
    lines = sorted(lines, key=len, reverse=True)
    merged: list[list[Group]] = []
    for line in lines:
        for other in merged:
            if _same_level(line, other):
                other.extend(line)
                other.sort(key=lambda group: group.left)
                break
        else:
            merged.append(list(line))
    return merged


def _same_level(line: list[Group], other: list[Group]) -> bool:
    """Compare a line with the nearest digits of another one, so that lines that climb a little do not matter."""
    middle = (line[0].left + line[-1].right) / 2
    near = sorted(other, key=lambda group: abs((group.left + group.right) / 2 - middle))[:3]
    top, bottom = np.median([group.top for group in near]), np.median([group.bottom for group in near])
    own_top, own_bottom = np.median([group.top for group in line]), np.median([group.bottom for group in line])
    common = min(bottom, own_bottom) - max(top, own_top)
    heights = own_bottom - own_top, bottom - top
    return bool(common > 0.5 * min(heights) and min(heights) > 0.35 * max(heights))


def _finish_line(line: list[Group], loose: list[Group]) -> list[Group]:
    """Give a line its size, join the parts of broken digits, and drop what is too small to be a digit."""
    size = _typical_height(line)
    groups = [group for group in line if group.height >= _BODY * size]
    small = [group for group in line if group.height < _BODY * size]
    top, bottom = min(group.top for group in line), max(group.bottom for group in line)
    # Loose pieces are offered to every line; only one of them is near enough.
    small += [group for group in loose if group.bottom > top - 0.1 * size and group.top < bottom + 0.1 * size]
    for part in sorted(small, key=lambda group: -group.area):
        owner = _find_owner(part, groups, size)
        if owner is not None:
            groups[owner] = Group(groups[owner].pieces + part.pieces)
        elif part.height >= _SMALLEST_DIGIT * size:
            groups.append(part)
    groups = _join_halves(sorted(groups, key=lambda group: group.left), size)
    return [Group(group.pieces, size, group.doubtful) for group in groups]


def _find_owner(part: Group, groups: list[Group], size: float) -> int | None:
    """Find the digit that a small piece belongs to: the nearest, if it is near enough."""
    distances = [_distance(part, group) for group in groups]
    if not distances:
        return None
    nearest = int(np.argmin(distances))
    owner = groups[nearest]
    height = max(part.bottom, owner.bottom) - min(part.top, owner.top)
    return nearest if distances[nearest] <= _NEAR * size and height <= _STACK * max(size, owner.height) else None


def _distance(part: Group, group: Group) -> float:
    across = max(part.left, group.left) - min(part.right, group.right)
    down = max(part.top, group.top) - min(part.bottom, group.bottom)
    # Under or above a digit is nearer than beside it.
    return float(np.hypot(max(across, 0), 0.5 * max(down, 0)))


def _join_halves(groups: list[Group], size: float) -> list[Group]:
    """Join neighbors that may be the parts of one digit, keeping in mind that they may be two digits after all."""
    joined: list[Group] = []
    for group in groups:
        last = joined[-1] if joined else None
        if last is not None and _may_be_one(last, group, size):
            parts = (*(last.doubtful or (last.pieces,)), group.pieces)
            joined[-1] = Group(last.pieces + group.pieces, size, parts)
        else:
            joined.append(group)
    return joined


def _may_be_one(first: Group, second: Group, size: float) -> bool:
    height = max(first.bottom, second.bottom) - min(first.top, second.top)
    width = max(first.right, second.right) - min(first.left, second.left)
    if height > _STACK * size or width > 1.2 * size:
        return False
    half = min(first.height, second.height) < 0.75 * size and width < 0.8 * size
    return _overlap(first, second, across=True) >= 0.65 or (half and second.left - first.right <= _HALF_GAP * size)
