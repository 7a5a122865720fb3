"""Pages of digits as people photograph them: digits of a data set, written on paper that this module makes up.

A page has several lines of digits with natural gaps, of one pen, on paper that may be ruled or squared. The sheet is
turned by a few degrees, unevenly lit, sometimes shaded, sometimes lying on a desk that shows at the edges; then it is
blurred, gets noise, and goes through JPEG. The truth comes along: box, label and line of every digit.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

__all__ = ["MAX_SKEW", "PAPERS", "SyntheticPage", "TrueDigit", "make_page"]

MAX_SKEW = 15.0
"""Degrees that a sheet is turned at most."""

PENS = {
    "blue": (0.10, 0.17, 0.52),
    "black": (0.10, 0.10, 0.12),
    "red": (0.66, 0.12, 0.14),
    "green": (0.08, 0.38, 0.20),
    "pencil": (0.36, 0.36, 0.38),
}
"""Pen -> its color, as levels of red, green and blue."""

PAPERS = ("plain", "ruled", "squared", "board")
"""Kinds of sheets: a board is dark and written on with chalk."""

TOUCHING = 0.04
"""Share of neighbors that are written so that they touch."""

MAX_OVERLAP = 0.4
"""Share of a digit's width, at most, that is above or under its neighbor."""

CANVAS_MARGIN = 1.0
"""Margin around the lines, in the size of the largest digit."""


@dataclass(frozen=True)
class TrueDigit:
    """One digit of a page.

    Attributes
    ----------
    label : int
        Which digit it is.
    box : tuple of float
        Left, top, right and bottom of its ink, in pixels of the picture.
    line : int
        Number of its line, from the top.
    touching : bool
        Whether its ink meets that of a neighbor.
    """

    label: int
    box: tuple[float, float, float, float]
    line: int
    touching: bool


@dataclass(frozen=True)
class SyntheticPage:
    """A picture of a page, and what stands on it.

    Attributes
    ----------
    picture : ndarray of shape (h, w, 3), uint8
        As a camera gives it.
    digits : tuple of TrueDigit
        In reading order.
    skew : float
        Degrees that the sheet is turned, counter-clockwise.
    paper : str
        One of `PAPERS`.
    desk : bool
        Whether a desk shows around the sheet.
    shadow : bool
        Whether a shadow falls on it.
    """

    picture: NDArray[np.uint8]
    digits: tuple[TrueDigit, ...]
    skew: float
    paper: str
    desk: bool
    shadow: bool


def make_page(
    images: NDArray[np.uint8], labels: NDArray[Any], *, seed: int, skew: float | None = None, paper: str | None = None
) -> SyntheticPage:
    """Write digits of a data set onto a sheet and photograph it.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), uint8
        Digits to choose from, ink 255.
    labels : ndarray of shape (n,)
        What they are.
    seed : int
        Decides everything.
    skew : float or None, default=None
        Degrees that the sheet is turned; None draws from -15 to 15.
    paper : str or None, default=None
        One of `PAPERS`; None draws one, a board once in 16 pages.

    Returns
    -------
    SyntheticPage

    Examples
    --------
    >>> import numpy as np
    >>> from benchmarks.pages import make_page
    >>> ring = np.zeros((1, 28, 28), np.uint8)
    >>> ring[:, 4:24, 6:22] = 255
    >>> ring[:, 8:20, 10:18] = 0
    >>> page = make_page(ring, np.array([0]), seed=1, skew=0.0)
    >>> page.picture.dtype, {digit.label for digit in page.digits}
    (dtype('uint8'), {0})
    """
    generator = np.random.default_rng(seed)
    turned = float(generator.uniform(-MAX_SKEW, MAX_SKEW)) if skew is None else skew
    drawn = str(generator.choice(PAPERS, p=(5 / 16, 5 / 16, 5 / 16, 1 / 16)))
    sheet = _write_lines(images, labels, generator)
    kind = drawn if paper is None else paper
    view = _View(sheet.ink.shape, turned, desk=bool(generator.random() < 0.15))
    shadow = bool(generator.random() < 0.4)
    ink = np.clip(view.see(sheet.ink), 0, 1)
    printed = np.clip(view.see(_print_paper(sheet, kind, generator)), 0, 1)
    picture = _photograph(_color(ink, printed, kind, generator), view, generator, shadow=shadow)
    digits = tuple(
        TrueDigit(each.label, view.box(each.rows, each.columns), each.line, each.touching) for each in sheet.written
    )
    return SyntheticPage(picture, digits, turned, kind, view.desk, shadow)


@dataclass
class _Written:
    """A digit on the sheet: its ink's pixels there."""

    label: int
    line: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    touching: bool = False

    @property
    def width(self) -> int:
        return int(np.ptp(self.columns)) + 1


@dataclass(frozen=True)
class _Sheet:
    """A sheet before it is turned: its ink, its digits, the foot of each line, and the largest digits' size."""

    ink: NDArray[np.float32]
    written: list[_Written]
    feet: list[float]
    size: float


@dataclass
class _Pen:
    """How thick and how steady a hand writes, and where in a line it stands."""

    width: float  # over what the digit had, in pixels of its own 28 x 28
    sizes: float  # relative spread of the sizes in a line
    touch: float  # share of neighbors that touch


def _write_lines(images: NDArray[np.uint8], labels: NDArray[Any], generator: np.random.Generator) -> _Sheet:
    n_lines = int(generator.integers(2, 7))
    common = float(generator.uniform(32, 84))
    sizes = np.clip(common * generator.uniform(0.85, 1.15, n_lines), 30, 90)
    pen = _Pen(float(generator.uniform(-0.5, 0.6)), float(generator.uniform(0.02, 0.07)), TOUCHING)
    margin = CANVAS_MARGIN * sizes.max()
    width = int(min(1700, max(520, sizes.max() * generator.uniform(9, 18))))
    leading = generator.uniform(1.45, 2.1)
    feet = list(margin + np.cumsum(sizes * leading) - sizes * (leading - 1))
    ink = np.zeros((int(feet[-1] + margin), width), np.float32)
    written: list[_Written] = []
    for line, (size, foot) in enumerate(zip(sizes, feet, strict=True)):
        start, end = margin * generator.uniform(0.8, 2.0), width - margin * generator.uniform(0.8, 2.5)
        drift = np.tan(np.radians(generator.normal(0, 0.6)))  # hands do not write quite level
        baseline = (float(foot), float(drift), line)
        written += _write_line(
            ink, (images, labels), (float(start), float(end), float(size)), (baseline, pen, generator)
        )
    return _Sheet(ink, written, [float(foot) for foot in feet], float(sizes.max()))


def _write_line(
    ink: NDArray[np.float32],
    digits: tuple[NDArray[np.uint8], NDArray[Any]],
    extent: tuple[float, float, float],
    hand: tuple[tuple[float, float, int], _Pen, np.random.Generator],
) -> list[_Written]:
    """Write one line from left to right; words of digits are set apart by wider gaps."""
    start, end, size = extent
    (foot, drift, line), pen, generator = hand
    written: list[_Written] = []
    edge: NDArray[np.float64] | None = None  # rightmost ink of the digit before, row by row
    left = start
    while True:
        chosen = int(generator.integers(len(digits[0])))
        own_size = size * float(np.clip(generator.normal(1, pen.sizes), 0.85, 1.15))
        stamp = _stamp(digits[0][chosen], own_size, pen.width)
        touches = edge is not None and generator.random() < pen.touch
        gap = -generator.uniform(1, 0.06 * size + 2) if touches else _draw_gap(size, generator)
        top = round(foot + drift * (left - start) + generator.normal(0, 0.03) * size - stamp.shape[0])
        if edge is not None:
            # A digit may lean under its neighbor, but is not written into it.
            least = edge.max() + 1 - MAX_OVERLAP * min(stamp.shape[1], written[-1].width)
            left = max(least, _next_left(edge, stamp, top, gap))
        if left + stamp.shape[1] > end:
            return written
        place = np.s_[top : top + stamp.shape[0], round(left) : round(left) + stamp.shape[1]]
        rows, columns = np.nonzero(stamp > 0.5)
        rows, columns = rows + top, columns + round(left)
        touching = touches and _meets(ink, rows, columns)
        ink[place] = np.maximum(ink[place], stamp)
        written.append(_Written(int(digits[1][chosen]), line, rows, columns, touching))
        if touching:
            written[-2].touching = True
        edge = np.full(ink.shape[0], -np.inf)
        np.maximum.at(edge, rows, columns.astype(float))


def _draw_gap(size: float, generator: np.random.Generator) -> float:
    wide = generator.random() < 0.12
    return max(4.0, size * float(generator.uniform(0.5, 1.2) if wide else generator.uniform(0.1, 0.4)))


def _next_left(edge: NDArray[np.float64], stamp: NDArray[np.float32], top: int, gap: float) -> float:
    """Find where a digit goes so that its ink comes as near to that of the digit before as wanted.

    Rows within a few pixels count as the same, or a slanted stroke would slip under its neighbor.
    """
    reach = max(2, stamp.shape[0] // 8)
    near = ndimage.maximum_filter1d(edge, 1 if gap < 0 else 2 * reach + 1)[top : top + stamp.shape[0]]
    has_ink = (stamp > 0.5).any(axis=1)
    first = (stamp > 0.5).argmax(axis=1)
    distance = np.where(has_ink & np.isfinite(near), near - first, -np.inf)
    if not np.isfinite(distance).any():
        return float(edge.max() + 1 + max(gap, 2.0))
    return float(distance.max() + 1 + gap)


def _meets(ink: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> bool:
    inside = (rows > 0) & (rows < ink.shape[0] - 1) & (columns > 0) & (columns < ink.shape[1] - 1)
    rows, columns = rows[inside], columns[inside]
    return any(bool((ink[rows + down, columns + right] > 0.5).any()) for down in (-1, 0, 1) for right in (-1, 0, 1))


def _stamp(image: NDArray[np.uint8], size: float, width: float) -> NDArray[np.float32]:
    """Redraw a digit sharp at its size; 20 pixels of the data set become `size` pixels, ink alone is kept."""
    factor = size / 20
    framed = np.pad(image, 2)  # smoothing needs paper around
    side = round(framed.shape[0] * factor)
    large = Image.fromarray(framed).resize((side, side), Image.Resampling.BICUBIC)
    smooth = ndimage.gaussian_filter(np.asarray(large, np.float32) / 255, 0.35 * factor)
    # The gray edge of the data set is about a pixel wide; a threshold along it makes the pen thin or thick.
    level = np.clip(0.45 - 0.28 * width, 0.15, 0.62)
    level = min(level, 0.8 * float(smooth.max()))
    stamp = np.clip((smooth - level) * 1.2 * factor + 0.5, 0, 1)
    rows, columns = np.flatnonzero((stamp > 0.5).any(axis=1)), np.flatnonzero((stamp > 0.5).any(axis=0))
    cropped: NDArray[np.float32] = stamp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    return cropped


class _View:
    """How the camera sees the sheet: turned, and cut so that the sheet fills the picture, or so that a desk shows."""

    def __init__(self, shape: tuple[int, ...], skew: float, *, desk: bool) -> None:
        self.desk = desk
        height, width = shape
        cosine, sine = np.cos(np.radians(skew)), np.sin(np.radians(skew))
        self._turn = np.array([[cosine, sine], [-sine, cosine]])  # (row, column) of the picture -> of the sheet
        corners = np.array([[r, c] for r in (-height / 2, height / 2) for c in (-width / 2, width / 2)])
        seen = corners @ self._turn  # the other way round: the transpose of a turn
        border = 0.06 * width if desk else 0
        self.shape = tuple(int(2 * seen[:, axis].max() + 2 * border) for axis in (0, 1))
        self._sheet = height, width
        self._offset = np.array(shape) / 2 - self._turn @ (np.array(self.shape) / 2)

    def see(self, layer: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn a layer of the sheet into the picture; what lies beyond the sheet repeats its edge."""
        seen: NDArray[np.float32] = ndimage.affine_transform(
            layer, self._turn, self._offset, self.shape, order=1, mode="nearest"
        )
        return seen

    def covers(self) -> NDArray[np.float32]:
        """Tell where the sheet is."""
        ones = np.ones(self._sheet, np.float32)
        covered: NDArray[np.float32] = ndimage.affine_transform(
            ones, self._turn, self._offset, self.shape, order=1, mode="constant"
        )
        return covered

    def box(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[float, float, float, float]:
        """Find the box in the picture of pixels of the sheet."""
        seen = (np.stack([rows, columns], axis=1) - self._offset) @ self._turn
        (top, left), (bottom, right) = seen.min(axis=0), seen.max(axis=0)
        return round(float(left), 1), round(float(top), 1), round(float(right) + 1, 1), round(float(bottom) + 1, 1)


def _print_paper(sheet: _Sheet, paper: str, generator: np.random.Generator) -> NDArray[np.float32]:
    """Print lines or squares, as strengths from 0 to 1; the lines go on beyond the sheet's edge."""
    printed = np.zeros(sheet.ink.shape, np.float32)
    strength, thickness = generator.uniform(0.35, 0.9), int(generator.integers(1, 3))
    if paper == "ruled":
        for foot in sheet.feet:
            top = round(foot + generator.uniform(0, 0.12) * sheet.size)
            printed[top : top + thickness] = strength
        if generator.random() < 0.4:
            left = round(0.6 * sheet.size)
            printed[:, left : left + thickness] = strength
    if paper == "squared":
        pitch = sheet.size * generator.uniform(0.4, 1.2)
        for start in np.arange(generator.uniform(0, pitch), printed.shape[0], pitch):
            printed[round(start) : round(start) + thickness] = strength
        for start in np.arange(generator.uniform(0, pitch), printed.shape[1], pitch):
            printed[:, round(start) : round(start) + thickness] = strength
    return printed


def _color(
    ink: NDArray[np.float32], printed: NDArray[np.float32], paper: str, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Mix paper, print and ink; strokes of a pen are not quite even."""
    if paper == "board":
        ground = np.array([0.16, 0.22, 0.19]) * generator.uniform(0.7, 1.3)
        pen = np.array([0.88, 0.88, 0.84]) * generator.uniform(0.8, 1.0)
    else:
        ground = generator.uniform(0.82, 0.98) * np.array([1.0, 0.99, generator.uniform(0.88, 1.0)])
        pen = np.array(list(PENS.values())[int(generator.integers(len(PENS)))])
    print_color = ground * np.array([0.62, 0.74, 0.88]) if generator.random() < 0.7 else ground * 0.7
    density = 1 - generator.uniform(0.05, 0.25) * _clouds(ink.shape, 3, generator)
    grain = 1 + 0.012 * _clouds(ink.shape, 1, generator) + 0.012 * _clouds(ink.shape, 6, generator)
    page = np.broadcast_to(ground, (*ink.shape, 3)) * grain[..., None]
    page = page + printed[..., None] * (print_color - page)
    colored: NDArray[np.float32] = page + (ink * np.clip(density, 0, 1))[..., None] * (pen - page)
    return colored


def _clouds(shape: tuple[int, ...], size: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """Draw smooth noise of a standard deviation of 1 whose blots are about `size` pixels wide."""
    coarse = generator.standard_normal([int(side / size) + 2 for side in shape]).astype(np.float32)
    if size == 1:
        return coarse[: shape[0], : shape[1]]
    large = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float32)


def _photograph(
    page: NDArray[np.float32], view: _View, generator: np.random.Generator, *, shadow: bool
) -> NDArray[np.uint8]:
    """Light the sheet, put it on its desk, and take the picture."""
    if view.desk:
        covered = view.covers()[..., None]
        desk = np.array([0.42, 0.30, 0.20]) * (1 + 0.06 * _clouds(page.shape[:2], 9, generator))[..., None]
        page = covered * page + (1 - covered) * desk * generator.uniform(0.6, 1.2)
    page = page * _light(page.shape[:2], generator, shadow=shadow)[..., None]
    blur = generator.uniform(0.3, 1.2)
    page = ndimage.gaussian_filter(page, (blur, blur, 0))
    page = page + generator.normal(0, generator.uniform(0.005, 0.03), page.shape)
    levels = (255 * np.clip(page, 0, 1)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "JPEG", quality=int(generator.integers(45, 95)))
    with Image.open(buffer) as taken:
        return np.asarray(taken)


def _light(shape: tuple[int, ...], generator: np.random.Generator, *, shadow: bool) -> NDArray[np.float32]:
    """Draw the light on a sheet: brighter on one side, darker in the corners, with the soft edge of a shadow."""
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in shape), indexing="ij")
    angle = generator.uniform(0, 2 * np.pi)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    light = 1 - generator.uniform(0, 0.2) * (1 + along) - generator.uniform(0, 0.08) * (rows**2 + columns**2)
    angle = generator.uniform(0, 2 * np.pi)
    across = rows * np.sin(angle) + columns * np.cos(angle) + 0.1 * _clouds(shape, max(shape) / 3, generator)
    depth, softness = generator.uniform(0.2, 0.45), generator.uniform(0.02, 0.12)
    shade = 1 / (1 + np.exp(-(across - generator.uniform(-0.3, 0.6)) / softness))
    return np.asarray(light * (1 - depth * shade if shadow else 1), np.float32)
