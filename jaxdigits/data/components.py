"""Which of the connected pieces of ink are the digit, and which are specks, frames and neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from jaxdigits.data.ink import Ink

__all__ = ["Choice", "Piece", "choose_digit", "find_pieces"]

Mask = NDArray[np.bool_]

SPECK = 0.015
"""Share of the largest piece's area below which a piece is a speck."""

LIKE_A_DIGIT = 0.5
"""Share of the digit's height from which another piece may be a digit of its own."""

NEAR = 0.22
"""Gap, as a share of the digit's longer side, up to which a piece is a part of it."""

APART = 0.6
"""The same for halves that lie one above the other."""

_STRIP = 0.12  # of the picture's side: frames and neighbors lie this near
_EIGHT = np.ones((3, 3), np.int8)
_MAX_PIECES = 3000  # of grain; a picture that falls into more has no strokes


class Piece(NamedTuple):
    """A connected piece of ink, in pixels of the ink's array."""

    number: int
    left: int
    top: int
    right: int
    bottom: int
    area: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Choice:
    """The digit's share of the ink.

    Parameters
    ----------
    mask : ndarray of shape (h, w), bool
        Its pixels with their soft edges, cut out of the picture.
    left, top : int
        Where the mask lies.
    n_digits : int
        Pieces or groups of pieces that are as large as a digit.
    """

    mask: Mask
    left: int
    top: int
    n_digits: int


def find_pieces(mask: Mask) -> tuple[NDArray[np.int32], list[Piece]]:
    """Label connected pieces, corners included, and measure them.

    Parameters
    ----------
    mask : ndarray of shape (h, w), bool
        Ink.

    Returns
    -------
    labels : ndarray of shape (h, w), int32
        0 for paper, else the piece's number.
    pieces : list of Piece
        In the order of their numbers, from 1.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.components import find_pieces
    >>> find_pieces(np.eye(3, dtype=bool))[1]
    [Piece(number=1, left=0, top=0, right=3, bottom=3, area=3)]
    """
    labels, count = ndimage.label(mask, structure=_EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    pieces = [
        Piece(index, where[1].start, where[0].start, where[1].stop, where[0].stop, int(areas[index]))
        for index, where in enumerate(ndimage.find_objects(labels), start=1)
        if where is not None
    ]
    return labels, pieces


def choose_digit(ink: Ink) -> Choice | None:
    """Choose the pieces that make up the digit.

    The largest piece near the middle is its core. Pieces close to it, above all those above and below, are parts of
    a broken digit; specks, what runs along the border, and digits beside it are left out.

    Parameters
    ----------
    ink : Ink
        What stands out of a picture.

    Returns
    -------
    Choice or None
        None if no piece could be a stroke.

    Examples
    --------
    >>> import numpy as np
    >>> from jaxdigits.data.components import choose_digit
    >>> from jaxdigits.data.decoding import open_picture
    >>> from jaxdigits.data.ink import find_ink
    >>> page = np.zeros((100, 100), np.uint8)
    >>> page[20:80, 40:50] = 255
    >>> page[5:7, 5:7] = 255
    >>> choose_digit(find_ink(open_picture(page))).top
    17
    """
    if ink.blank:
        return None
    labels, pieces = find_pieces(ink.strength > ink.threshold)
    if not pieces or len(pieces) > _MAX_PIECES:
        return None
    shape = (labels.shape[0], labels.shape[1])
    hugging = _find_hugging(labels, pieces)
    core = max(pieces, key=lambda piece: _prominence(piece, shape) * (0.1 if piece.number in hugging else 1))
    if not _could_be_a_stroke(core, pieces, shape):
        return None
    others = [piece for piece in pieces if piece is not core and piece.area > SPECK * core.area]
    foreign = {piece.number for piece in others if _is_foreign(piece, core, shape, hugging=piece.number in hugging)}
    parts = _gather(core, [piece for piece in others if piece.number not in foreign], labels)
    chosen = {part.number for part in parts}
    left_out = [piece for piece in others if piece.number not in chosen]
    n_digits = 1 + _count_digits(parts, left_out, shape)
    return _cut_out(labels, parts, n_digits)


def _touches(piece: Piece, shape: tuple[int, int]) -> int:
    """Count the sides of the picture that a piece touches."""
    return sum(_sides(piece, shape))


def _sides(piece: Piece, shape: tuple[int, int], margin: float = 0.0) -> tuple[bool, bool, bool, bool]:
    """Tell which sides of the picture a piece reaches, but for a margin: left, top, right, bottom."""
    x, y = margin * shape[1], margin * shape[0]
    return piece.left <= x, piece.top <= y, piece.right >= shape[1] - x, piece.bottom >= shape[0] - y


def _is_marginal(piece: Piece, shape: tuple[int, int]) -> bool:
    """Tell whether a piece lies within a strip along one side: the rest of a frame, or the edge of a neighbor."""
    height, width = shape
    strip_x, strip_y = _STRIP * width, _STRIP * height
    across = piece.right <= strip_x or piece.left >= width - strip_x
    along = piece.bottom <= strip_y or piece.top >= height - strip_y
    return (across or along) and _touches(piece, shape) > 0


def _find_hugging(labels: NDArray[np.int32], pieces: list[Piece]) -> set[int]:
    """Find thin things, straight or bent, that keep to the strips along the sides: what is left of a frame."""
    height, width = labels.shape
    strip_x, strip_y = int(_STRIP * width), int(_STRIP * height)
    inner = labels[strip_y : height - strip_y, strip_x : width - strip_x]
    inside = np.bincount(inner.ravel(), minlength=len(pieces) + 1)
    return {
        piece.number
        for piece in pieces
        if inside[piece.number] < 0.1 * piece.area
        and max(piece.width / width, piece.height / height) > 0.3
        and piece.area < 0.12 * max(piece.width, piece.height) ** 2 + 2 * max(piece.width, piece.height)
    }


def _is_foreign(piece: Piece, core: Piece, shape: tuple[int, int], *, hugging: bool) -> bool:
    """Tell a piece of a frame, or the edge of a neighbor, from a stroke of a digit that fills its picture."""
    at = _sides(core, shape, 0.06)
    if hugging and sum(at) < 2:
        bent = min(piece.width / shape[1], piece.height / shape[0]) > 0.15
        straight = piece.area > 0.7 * piece.width * piece.height
        apart = max(_gap(core, piece)) > 0.1 * max(core.width, core.height)
        return bent or (straight and apart) or _is_marginal(piece, shape)
    if not _is_marginal(piece, shape):
        return False
    # Where the digit's body reaches the side across and one between, this is its own bar, broken off.
    mine = _sides(piece, shape)
    tight = any(touched and at[(i + 2) % 4] and (at[(i + 1) % 4] or at[(i + 3) % 4]) for i, touched in enumerate(mine))
    return not tight


def _is_frame(piece: Piece, shape: tuple[int, int]) -> bool:
    """Tell whether a piece runs around the picture and leaves its middle free."""
    covers = piece.width > 0.8 * shape[1] and piece.height > 0.8 * shape[0]
    return covers and _touches(piece, shape) >= 2 and piece.area < 0.25 * piece.width * piece.height


def _prominence(piece: Piece, shape: tuple[int, int]) -> float:
    """Weigh a piece by its area, and by how near the middle of the picture it lies."""
    dx = (piece.left + piece.right) / shape[1] - 1
    dy = (piece.top + piece.bottom) / shape[0] - 1
    weight = piece.area * float(np.exp(-1.5 * (dx * dx + dy * dy)))
    if _is_marginal(piece, shape):
        weight *= 0.1
    elif _touches(piece, shape) and _is_frame(piece, shape):
        weight *= 0.3
    return weight


def _could_be_a_stroke(core: Piece, pieces: list[Piece], shape: tuple[int, int]) -> bool:
    """Refuse what has no extent, or is one grain among many."""
    total = sum(piece.area for piece in pieces)
    # Alone on its paper, a digit may be as small as it likes.
    smallest = 5 if core.area > 0.5 * total else 0.03 * max(shape)
    if max(core.width, core.height) < smallest or core.area < 6:
        return False
    return not (len(pieces) > 60 and core.area < 0.1 * total)


def _gap(one: Piece, other: Piece) -> tuple[int, int]:
    """Return the free columns and rows between two boxes; negative where they overlap."""
    return (
        max(one.left, other.left) - min(one.right, other.right),
        max(one.top, other.top) - min(one.bottom, other.bottom),
    )


def _gather(core: Piece, others: list[Piece], labels: NDArray[np.int32]) -> list[Piece]:
    """Add piece by piece what belongs to the core, nearest first."""
    parts, rest = [core], others
    if not rest:
        return parts
    while True:
        group = _bound(parts)
        near = [piece for piece in rest if _belongs(group, piece)]
        size = max(group.width, group.height)
        near = [piece for piece in near if _distance(labels, parts, piece) <= _reach(group, piece) * size]
        if not near:
            return parts
        parts += near
        rest = [piece for piece in rest if piece not in near]


def _bound(parts: list[Piece]) -> Piece:
    return Piece(
        parts[0].number,
        min(part.left for part in parts),
        min(part.top for part in parts),
        max(part.right for part in parts),
        max(part.bottom for part in parts),
        sum(part.area for part in parts),
    )


def _reach(group: Piece, piece: Piece) -> float:
    """Return how far from the group a part of it may lie, as a share of the group's longer side."""
    across, down = _gap(group, piece)
    # Two wide things, one above the other, are no digits by themselves: a 5, 2 or 3 fell apart.
    flat = group.width > group.height and piece.width > 0.8 * piece.height
    return APART if flat and across < 0 < down else NEAR


def _belongs(group: Piece, piece: Piece) -> bool:
    """Tell a part of a broken digit from a digit beside it, by their boxes."""
    across, down = _gap(group, piece)
    size = max(group.width, group.height)
    if max(across, down) > _reach(group, piece) * size:
        return False
    # Two tall things side by side are two digits, unless they nearly touch or their columns overlap.
    narrower = max(1, min(group.width, piece.width))
    tall = piece.height > LIKE_A_DIGIT * group.height and piece.area > 0.25 * group.area
    return not (tall and across > -0.25 * narrower and across > 0.04 * size)


def _distance(labels: NDArray[np.int32], parts: list[Piece], piece: Piece) -> float:
    """Smallest distance between the pixels of a piece and those of the parts."""
    bound = _bound([*parts, piece])
    window = labels[bound.top : bound.bottom, bound.left : bound.right]
    step = max(1, max(window.shape) // 160)
    window = window[::step, ::step]
    far = ndimage.distance_transform_edt(~np.isin(window, [part.number for part in parts]))
    inside = window == piece.number
    return step * float(far[inside].min()) if inside.any() else 0.0


def _count_digits(parts: list[Piece], left_out: list[Piece], shape: tuple[int, int]) -> int:
    """Count what is as large as the digit and stands whole in the picture."""
    group = _bound(parts)
    return sum(
        piece.height > LIKE_A_DIGIT * group.height
        and piece.height < 2 * group.height
        and piece.width < 3 * max(group.width, group.height)
        and piece.area > 0.25 * group.area
        and not _touches(piece, shape)
        for piece in left_out
    )


def _cut_out(labels: NDArray[np.int32], parts: list[Piece], n_digits: int) -> Choice:
    """Cut the parts out with a margin for their soft edges, but nothing of other pieces."""
    bound = _bound(parts)
    margin = 3
    top, left = max(0, bound.top - margin), max(0, bound.left - margin)
    window = labels[top : bound.bottom + margin, left : bound.right + margin]
    own = np.isin(window, [part.number for part in parts])
    soft = ndimage.binary_dilation(own, structure=_EIGHT, iterations=margin) & ((window == 0) | own)
    return Choice(soft, left, top, n_digits)
