"""Digits drawn anew at any size, with their own strokes or with a pen, and the paper, light and noise around them.

A digit of 28x28 pixels becomes ink of any size: its own strokes, enlarged smoothly and given crisp edges, or its
middle line drawn with a pen of any width. Nothing here knows what is damaged; `benchmarks.damage` does.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

__all__ = [
    "Geometry",
    "add_noise",
    "blur",
    "draw_digit",
    "draw_lines",
    "draw_pen",
    "find_box",
    "jpeg",
    "lay_ink",
    "make_light",
    "make_ruling",
    "to_bytes",
    "trace",
    "warp_lines",
]

SIDE = 28
MIDDLE = SIDE / 2
EDGE = 0.4  # of full ink: where a stroke ends. MNIST's thin strokes peak little above it
MIN_SCALE = 4.0  # anything smaller is drawn larger, then averaged
INK = 64  # a pixel of MNIST this dark belongs to the digit

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Generator = np.random.Generator


class Geometry:
    """Where a digit of 28x28 pixels lies in a picture: a 2x2 matrix and the place of its middle.

    Parameters
    ----------
    scale : float
        Pixels of the picture per pixel of the digit.
    center : tuple of float
        (x, y) of the digit's middle in the picture, in pixels.
    degrees : float, default=0.0
        Rotation, clockwise as pictures are seen.
    shear : float, default=0.0
        Slant: pixels to the left per pixel downward.
    aspect : float, default=1.0
        Width over height, for a digit whose own is 1; the area stays.

    Examples
    --------
    >>> from benchmarks.drawing import Geometry
    >>> Geometry(2.0, (50.0, 40.0)).apply([[14.0, 14.0], [15.0, 14.0]]).tolist()
    [[50.0, 40.0], [52.0, 40.0]]
    """

    def __init__(
        self,
        scale: float,
        center: tuple[float, float],
        *,
        degrees: float = 0.0,
        shear: float = 0.0,
        aspect: float = 1.0,
    ) -> None:
        angle = np.deg2rad(degrees)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        stretch = np.array([[np.sqrt(aspect), -shear], [0.0, 1 / np.sqrt(aspect)]])
        self.matrix = scale * rotation @ stretch
        self.center = np.array(center, dtype=float)
        self.scale = scale

    def apply(self, points: object) -> NDArray[np.float64]:
        """Map points (x, y) of the digit, in its pixels, into the picture."""
        return (np.asarray(points, dtype=float) - MIDDLE) @ self.matrix.T + self.center

    def enlarged(self, factor: float) -> Geometry:
        """Return the same place in a picture that is larger by a factor."""
        other = Geometry(self.scale * factor, (0.0, 0.0))
        other.matrix, other.center = self.matrix * factor, self.center * factor
        return other

    def inverse(self) -> tuple[float, ...]:
        """Return the six numbers of Pillow's affine transform, from the picture's pixels to the digit's."""
        inverse = np.linalg.inv(self.matrix)
        offset = np.array([MIDDLE, MIDDLE]) - inverse @ self.center
        return (*inverse[0], offset[0], *inverse[1], offset[1])


def find_box(image: Bytes) -> tuple[int, int, int, int]:
    """Find the box of a digit's ink.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.

    Returns
    -------
    left, top, right, bottom : tuple of int
        In pixels, right and bottom exclusive; the whole image if there is no ink.
    """
    rows, columns = (np.flatnonzero((image >= INK).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, image.shape[1], image.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def draw_digit(image: Bytes, size: tuple[int, int], geometry: Geometry, *, crisp: float = 1.0) -> Floats:
    """Draw a digit with its own strokes: enlarged smoothly, with edges as sharp as a pen's.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.
    size : tuple of int
        (width, height) of the picture, in pixels.
    geometry : Geometry
        Where the digit lies.
    crisp : float, default=1.0
        Steepness of the edges: 1 goes from paper to ink within about a pixel.

    Returns
    -------
    ndarray of shape (height, width), float32
        Coverage by ink, from 0 to 1.
    """
    if geometry.scale < MIN_SCALE:
        factor = int(np.ceil(MIN_SCALE / geometry.scale))
        large = draw_digit(image, (size[0] * factor, size[1] * factor), geometry.enlarged(factor), crisp=crisp)
        return _average(large, factor)
    picture = Image.fromarray(image).transform(
        size, Image.Transform.AFFINE, geometry.inverse(), Image.Resampling.BICUBIC
    )
    ink = np.asarray(picture, dtype=np.float32)
    ink *= crisp * geometry.scale / 255
    ink += 0.5 - EDGE * crisp * geometry.scale
    return np.clip(ink, 0.0, 1.0, out=ink)


def trace(image: Bytes) -> NDArray[np.float64]:
    """Find the middle line of a digit's strokes.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.

    Returns
    -------
    ndarray of shape (n_lines, 2, 2)
        Short lines, each from (x, y) to (x, y) in pixels of the digit.

    Notes
    -----
    Thinned at twice the size by T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital
    patterns", Communications of the ACM 27 (1984); then every point moves between its neighbors, which takes the
    stairs away.
    """
    large = np.asarray(Image.fromarray(image).resize((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC))
    skeleton = _thin_out(large > 255 * EDGE)
    y, x = np.nonzero(skeleton)
    if not len(x):
        return np.empty((0, 2, 2))
    number = np.full((2 * SIDE + 2, 2 * SIDE + 2), -1)
    number[y + 1, x + 1] = np.arange(len(x))
    # To the right and below first: a diagonal is left out where two steps lead round the same corner.
    right, below = number[y + 1, x + 2], number[y + 2, x + 1]
    left = number[y + 1, x]
    falling = np.where((right < 0) & (below < 0), number[y + 2, x + 2], -1)
    rising = np.where((left < 0) & (below < 0), number[y + 2, x], -1)
    ends = np.concatenate([right, below, falling, rising])
    pairs = np.stack([np.tile(np.arange(len(x)), 4), ends], axis=1)[ends >= 0]
    points = _smooth(np.stack([x, y], axis=1) + 0.5, pairs) / 2
    if not len(pairs):  # a dot
        return np.stack([points[:1], points[:1] + 0.1], axis=1)
    return points[pairs]


def warp_lines(lines: NDArray[np.float64], generator: Generator, *, strength: float) -> NDArray[np.float64]:
    """Bend lines smoothly, as no hand writes a digit twice the same.

    Parameters
    ----------
    lines : ndarray of shape (n_lines, 2, 2)
        From `trace`, in pixels of the digit.
    generator : numpy.random.Generator
        Draws the bends.
    strength : float
        Mean size of the displacement, in pixels of the digit.

    Returns
    -------
    ndarray of shape (n_lines, 2, 2)
    """
    waves = generator.normal(0, 2 * np.pi / (1.2 * SIDE), (2, 3, 2))
    phases = generator.uniform(0, 2 * np.pi, (2, 3))
    moves = np.sin(np.einsum("nkx,dwx->nkdw", lines, waves) + phases).sum(axis=-1)
    return lines + strength * moves / np.sqrt(1.5)


def draw_lines(size: tuple[int, int], lines: NDArray[np.float64], width: float, *, smooth: bool = True) -> Floats:
    """Draw lines with round ends.

    Parameters
    ----------
    size : tuple of int
        (width, height) of the picture, in pixels.
    lines : ndarray of shape (n_lines, 2, 2)
        From (x, y) to (x, y), in pixels of the picture.
    width : float
        Of the pen, in pixels.
    smooth : bool, default=True
        Whether edges are gray; otherwise every pixel is ink or paper.

    Returns
    -------
    ndarray of shape (height, width), float32
        Coverage by ink, from 0 to 1.
    """
    # Pillow knows whole widths alone: a small or thin drawing is made larger, then averaged.
    factor = 1 if not smooth else 4 if width < 6 else 2
    thick = max(1, round(width * factor))
    canvas = Image.new("L", (size[0] * factor, size[1] * factor))
    pen = ImageDraw.Draw(canvas)
    for (x0, y0), (x1, y1) in ((lines * factor) - 0.5).tolist():
        pen.line((x0, y0, x1, y1), fill=255, width=thick)
    if thick > 2:
        radius = thick / 2
        for x, y in np.unique((lines.reshape(-1, 2) * factor - 0.5).round(1), axis=0).tolist():
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = np.asarray(canvas.reduce(factor) if factor > 1 else canvas, dtype=np.float32) / 255
    return ink if smooth else (ink > 0).astype(np.float32)


def draw_pen(image: Bytes, size: tuple[int, int], geometry: Geometry, *, width: float, smooth: bool = True) -> Floats:
    """Draw a digit's middle line with a pen.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.
    size : tuple of int
        (width, height) of the picture, in pixels.
    geometry : Geometry
        Where the digit lies.
    width : float
        Of the pen, in pixels of the picture.
    smooth : bool, default=True
        Whether edges are gray.

    Returns
    -------
    ndarray of shape (height, width), float32
        Coverage by ink, from 0 to 1.
    """
    return draw_lines(size, geometry.apply(trace(image)), width, smooth=smooth)


def lay_ink(ink: Floats, paper: object, pen: object) -> Floats:
    """Cover paper with ink.

    Parameters
    ----------
    ink : ndarray of shape (height, width)
        Coverage, from 0 to 1.
    paper, pen : float, ndarray of shape (height, width), or color of shape (3,)
        Levels from 0 to 255; a color makes the picture one.

    Returns
    -------
    ndarray of shape (height, width) or (height, width, 3), float32
    """
    paper, pen = np.asarray(paper, np.float32), np.asarray(pen, np.float32)
    if 3 in (paper.shape[-1:] + pen.shape[-1:]) and (paper.ndim != 2 or pen.ndim == 1):
        ink = ink[..., None]
        paper = paper[..., None] if paper.ndim == 2 else paper
    laid: Floats = paper + (pen - paper) * ink
    return laid


def make_light(size: tuple[int, int], generator: Generator, *, spread: float, shadow: float) -> Floats:
    """Make the light that falls on a page: a gradient, a vignette, and the edge of a shadow.

    Parameters
    ----------
    size : tuple of int
        (width, height), in pixels.
    generator : numpy.random.Generator
        Draws directions and places.
    spread : float
        Share of the light that the gradient takes away at its dark end.
    shadow : float
        Share of the light that the shadow takes away; 0 is none.

    Returns
    -------
    ndarray of shape (height, width), float32
        Factors of at most 1.
    """
    x = np.linspace(-1, 1, size[0], dtype=np.float32)
    y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    angle, other = generator.uniform(0, 2 * np.pi, 2)
    bend = float(generator.uniform(-0.5, 0.5))
    slope = np.cos(angle) * x + np.sin(angle) * y + bend * (x * x + y * y)
    light: Floats = 1 - spread * (slope - slope.min()) / max(float(np.ptp(slope)), 1e-6)
    if shadow > 0:
        edge = np.cos(other) * x + np.sin(other) * y - float(generator.uniform(-0.4, 0.4))
        softness = float(generator.uniform(0.02, 0.3))
        light *= 1 - shadow * np.clip(0.5 + edge / softness, 0, 1)
    return light.astype(np.float32)


def make_ruling(
    size: tuple[int, int], generator: Generator, *, period: float, width: float, squared: bool = True
) -> Floats:
    """Rule paper: lines, or lines both ways.

    Parameters
    ----------
    size : tuple of int
        (width, height), in pixels.
    generator : numpy.random.Generator
        Draws the phase and a slight slant.
    period, width : float
        Distance and width of the lines, in pixels.
    squared : bool, default=True
        Both ways.

    Returns
    -------
    ndarray of shape (height, width), float32
        Coverage by lines, from 0 to 1.
    """
    x = np.arange(size[0], dtype=np.float32)
    y = np.arange(size[1], dtype=np.float32)[:, None]
    slant = float(generator.uniform(-0.03, 0.03))
    phases = generator.uniform(0, period, 2)

    def cover(place: Floats) -> Floats:
        distance = np.abs((place + period / 2) % period - period / 2)
        covered: Floats = np.clip(width / 2 + 0.5 - distance, 0, min(1.0, width))
        return covered

    ruling = cover(y + slant * x + phases[0])
    return np.maximum(ruling, cover(x - slant * y + phases[1])) if squared else ruling


def add_noise(picture: Floats, generator: Generator, deviation: float) -> Floats:
    """Add normal noise of a standard deviation in levels, the same in all colors."""
    noise = deviation * generator.standard_normal(picture.shape[:2], dtype=np.float32)
    return picture + (noise if picture.ndim == 2 else noise[..., None])


def to_bytes(picture: Floats) -> Bytes:
    """Round levels to 0 ... 255."""
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def jpeg(picture: Bytes, quality: int) -> bytes:
    """Encode a picture as JPEG, in its usual way of halving the resolution of colors."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _average(large: Floats, factor: int) -> Floats:
    height, width = large.shape[0] // factor, large.shape[1] // factor
    return large.reshape(height, factor, width, factor).mean(axis=(1, 3), dtype=np.float32)


def _smooth(points: NDArray[np.float64], pairs: NDArray[np.intp]) -> NDArray[np.float64]:
    """Move points between their neighbors; ends and crossings stay."""
    if not len(pairs):
        return points
    both = np.concatenate([pairs, pairs[:, ::-1]])
    counts = np.bincount(both[:, 0], minlength=len(points))
    inner = counts == 2
    for _ in range(4):
        sums = np.stack([np.bincount(both[:, 0], points[both[:, 1], axis], len(points)) for axis in (0, 1)], axis=1)
        points = np.where(inner[:, None], 0.5 * points + 0.25 * sums, points)
    return points


def _thin_out(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin strokes to lines one pixel wide."""
    padded = np.pad(mask, 1).astype(np.uint8)
    inner = padded[1:-1, 1:-1]
    while True:
        n_before = int(inner.sum())
        for table in _thinning_tables():
            inner &= table[_neighborhoods(padded)]
        if int(inner.sum()) == n_before:
            return inner.astype(bool)


def _neighborhoods(padded: Bytes) -> Bytes:
    """Code the eight neighbors of every pixel as bits, clockwise from the one above."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    codes = np.zeros((height, width), np.uint8)
    for bit, (row, column) in enumerate(((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))):
        codes |= padded[row : row + height, column : column + width] << bit
    return codes


@cache
def _thinning_tables() -> tuple[Bytes, Bytes]:
    """For each of the two half-steps, whether a pixel with these neighbors stays."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    changes = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    up, right, down, left = bits[:, 0], bits[:, 2], bits[:, 4], bits[:, 6]
    goes = (count >= 2) & (count <= 6) & (changes == 1)
    first = goes & (up * right * down == 0) & (right * down * left == 0)
    second = goes & (up * right * left == 0) & (up * down * left == 0)
    return (~first).astype(np.uint8), (~second).astype(np.uint8)


def blur(picture: Floats, sigma: float) -> Floats:
    """Blur a gray or colored picture by a Gaussian of a standard deviation in pixels."""
    blurred: Floats = ndimage.gaussian_filter(picture, (sigma, sigma, 0)[: picture.ndim], truncate=3.0)
    return blurred
