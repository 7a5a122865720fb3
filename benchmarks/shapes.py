"""Pictures of no digit, drawn by rules alone: no image of any data set, and nothing that is trained on, went in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.drawing import (
    Geometry,
    add_noise,
    blur,
    draw_lines,
    lay_ink,
    make_light,
    make_ruling,
    to_bytes,
    warp_lines,
)

__all__ = ["CLOTHES", "LETTERS", "TEST_OUTLIERS"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Generator = np.random.Generator
Stroke = list[tuple[float, float]]

SCRIBBLE = 5.0


def _arc(center: tuple[float, float], radii: tuple[float, float], start: float, stop: float) -> Stroke:
    """List points of an arc; degrees from the right, clockwise as pictures are seen."""
    angles = np.deg2rad(np.linspace(start, stop, 13))
    return list(zip(center[0] + radii[0] * np.cos(angles), center[1] + radii[1] * np.sin(angles), strict=True))


LETTERS: dict[str, list[Stroke]] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.62), (0.8, 0.62)]],
    "C": [_arc((0.6, 0.5), (0.55, 0.5), 310, 50)],
    "E": [[(0.85, 0), (0, 0), (0, 1), (0.85, 1)], [(0, 0.5), (0.7, 0.5)]],
    "F": [[(0.85, 0), (0, 0), (0, 1)], [(0, 0.48), (0.65, 0.48)]],
    "H": [[(0, 0), (0, 1)], [(0.8, 0), (0.8, 1)], [(0, 0.5), (0.8, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(0.75, 0), (0, 0.55), (0.8, 1)]],
    "L": [[(0, 0), (0, 1), (0.75, 1)]],
    "M": [[(0, 1), (0.1, 0), (0.5, 0.7), (0.9, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (0.8, 1), (0.8, 0)]],
    "P": [[(0, 1), (0, 0), (0.3, 0), *_arc((0.35, 0.27), (0.4, 0.27), -90, 90), (0, 0.54)]],
    "R": [[(0, 1), (0, 0), (0.3, 0), *_arc((0.35, 0.25), (0.4, 0.25), -90, 90), (0, 0.5)], [(0.3, 0.5), (0.8, 1)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0, 0), (0, 0.6), *_arc((0.4, 0.6), (0.4, 0.4), 180, 0), (0.8, 0)]],
    "V": [[(0, 0), (0.45, 1), (0.9, 0)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.25), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (0.85, 1)], [(0.85, 0), (0, 1)]],
    "Y": [[(0, 0), (0.45, 0.5), (0.9, 0)], [(0.45, 0.5), (0.45, 1)]],
    "e": [[(0.05, 0.5), (0.9, 0.5), *_arc((0.5, 0.5), (0.45, 0.45), 0, -315)]],
    "h": [[(0, 0), (0, 1)], [(0, 0.7), *_arc((0.35, 0.7), (0.35, 0.25), 180, 360), (0.7, 1)]],
    "k": [[(0, 0), (0, 1)], [(0.6, 0.35), (0, 0.7), (0.65, 1)]],
    "m": [
        [(0, 0.25), (0, 1)],
        [(0, 0.5), *_arc((0.3, 0.5), (0.3, 0.25), 180, 360), (0.6, 1)],
        [(0.6, 0.5), *_arc((0.9, 0.5), (0.3, 0.25), 180, 360), (1.2, 1)],
    ],
    "n": [[(0, 0.25), (0, 1)], [(0, 0.5), *_arc((0.35, 0.5), (0.35, 0.25), 180, 360), (0.7, 1)]],
    "r": [[(0, 0.25), (0, 1)], [(0, 0.55), *_arc((0.35, 0.55), (0.35, 0.3), 180, 300)]],
    "u": [[(0, 0.25), (0, 0.7), *_arc((0.35, 0.7), (0.35, 0.3), 180, 0), (0.7, 0.25)], [(0.7, 0.25), (0.7, 1)]],
    "w": [[(0, 0.3), (0.25, 1), (0.5, 0.4), (0.75, 1), (1, 0.3)]],
}
"""Letter -> strokes in a box one high, y downward; those that look like digits (O, I, S, Z, b, g, ...) are left out."""


def _both_sides(right: Stroke) -> Stroke:
    """Complete the outline of something that is the same on both sides."""
    return [*right, *((1 - x, y) for x, y in reversed(right))]


CLOTHES: dict[str, Stroke] = {
    "shirt": _both_sides([(0.7, 0.05), (1, 0.25), (0.88, 0.42), (0.75, 0.35), (0.75, 0.98)]),
    "pullover": _both_sides([(0.65, 0), (0.82, 0.1), (1, 0.9), (0.84, 0.94), (0.74, 0.4), (0.74, 1)]),
    "trousers": _both_sides([(0.75, 0), (0.85, 1), (0.6, 1), (0.5, 0.3)]),
    "dress": _both_sides([(0.62, 0), (0.6, 0.35), (0.85, 1)]),
    "bag": [(0.25, 0.4), (0.3, 0.1), (0.7, 0.1), (0.75, 0.4), (1, 0.4), (1, 0.95), (0, 0.95), (0, 0.4)],
    "shoe": [(0, 0.35), (0.2, 0.3), (0.55, 0.55), (0.95, 0.65), (1, 0.85), (0, 0.85)],
    "boot": [(0.1, 0), (0.5, 0), (0.5, 0.6), (0.95, 0.75), (1, 1), (0.05, 1)],
}
"""Garment -> outline in a box of side one, y downward."""


def _draw_letter(generator: Generator) -> Bytes:
    """Draw a letter by strokes, by a hand that is not quite steady."""
    return _draw_strokes(LETTERS[str(generator.choice(list(LETTERS)))], generator)


def _draw_strokes(strokes: Sequence[Sequence[Any]], generator: Generator) -> Bytes:
    """Draw strokes of a box one high with some pen on some paper."""
    side = int(generator.integers(40, 121))
    lines = np.concatenate([np.stack([stroke[:-1], stroke[1:]], axis=1) for stroke in map(np.asarray, strokes)])
    cut = np.linspace(0, 1, 7)[:, None, None]  # short pieces, so that straight strokes bend too
    points = lines[:, 0] + (lines[:, 1] - lines[:, 0]) * cut
    lines = np.stack([points[:-1], points[1:]], axis=-2).reshape(-1, 2, 2)
    low, high = lines.min(axis=(0, 1)), lines.max(axis=(0, 1))
    lines = 14 + 20 * (lines - (low + high) / 2)  # a digit's size and place in 28x28 pixels
    scale = side / 28 * generator.uniform(0.75, 1.05)
    geometry = Geometry(
        scale,
        (side / 2, side / 2),
        degrees=generator.normal(0, 4),
        shear=generator.normal(0, 0.1),
        aspect=generator.uniform(0.75, 1.2),
    )
    lines = geometry.apply(warp_lines(lines, generator, strength=generator.uniform(0, 0.6)))
    ink = draw_lines((side, side), lines, max(1.0, 20 * scale * generator.uniform(0.05, 0.15)))
    return _print(ink, generator)


def _print(ink: Floats, generator: Generator) -> Bytes:
    """Lay ink on paper, dark on light more often than light on dark."""
    light, dark = generator.uniform(190, 255), generator.uniform(0, 80)
    paper, pen = (light, dark) if generator.random() < 0.75 else (dark, light)
    return to_bytes(add_noise(lay_ink(ink, paper, pen), generator, generator.uniform(0, 4)))


def _draw_scribble(generator: Generator) -> Bytes:
    """Draw a line that wanders: its direction turns at random, smoothly or in corners.

    It is at least `SCRIBBLE` times as long as its box: a shorter one is a digit too often.
    """
    has_corners = generator.random() < 0.3
    while True:
        n_points = int(generator.integers(100, 400))
        if has_corners:
            n_corners = int(generator.integers(8, 20))
            angles = np.repeat(generator.uniform(0, 2 * np.pi, n_corners), n_points // n_corners + 1)[:n_points]
        else:
            turns = blur(generator.standard_normal((n_points, 1), dtype=np.float32), 6.0)[:, 0]
            angles = np.cumsum(turns / turns.std() * generator.uniform(0.08, 0.2))
        points = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0)
        side = float(np.ptp(points, axis=0).max())
        if n_points >= SCRIBBLE * side:
            return _draw_strokes([(points - points.min(axis=0)) / side], generator)


def _draw_garment(generator: Generator) -> Bytes:
    """Draw a garment's outline, filled, with a pattern, a seam and shading, as in a shop's picture."""
    side = int(generator.integers(28, 97))
    outline = np.array(CLOTHES[str(generator.choice(list(CLOTHES)))])
    outline = outline + generator.normal(0, 0.015, outline.shape)
    stretch = generator.uniform(0.7, 0.95, 2) * side
    corners = [tuple(point) for point in ((outline - 0.5) * stretch + side / 2).tolist()]
    canvas = Image.new("L", (4 * side, 4 * side))
    ImageDraw.Draw(canvas).polygon([(4 * x, 4 * y) for x, y in corners], fill=255)
    mask = np.asarray(canvas.reduce(4), dtype=np.float32) / 255
    cloth = generator.uniform(90, 230) * make_light((side, side), generator, spread=0.4, shadow=0.0)
    kind = generator.random()
    if kind < 0.25:
        period = side * generator.uniform(0.06, 0.2)
        stripes = make_ruling(
            (side, side), generator, period=period, width=period / 2, squared=generator.random() < 0.4
        )
        cloth = cloth * (1 - generator.uniform(0.2, 0.6) * stripes)
    elif kind < 0.5:
        cloth = cloth + 60 * blur(generator.standard_normal((side, side), dtype=np.float32), side * 0.03)
    levels = add_noise(cloth * mask, generator, 4.0) * (mask > 0)
    return to_bytes(levels if generator.random() < 0.6 else 255 - levels)


def _draw_noise(generator: Generator) -> Bytes:
    """Make noise: of single pixels, of clouds, of black and white, or stripes and squares."""
    side = int(generator.integers(28, 81))
    kind = int(generator.integers(4))
    if kind == 0:
        return generator.integers(0, 256, (side, side), dtype=np.uint8)
    if kind == 1:
        clouds = blur(generator.standard_normal((side, side), dtype=np.float32), side * generator.uniform(0.02, 0.08))
        return to_bytes(127 + 60 * clouds / max(float(clouds.std()), 1e-6))
    if kind == 2:
        return ((generator.random((side, side)) < generator.uniform(0.1, 0.5)) * 255).astype(np.uint8)
    period = side * generator.uniform(0.1, 0.4)
    squared = bool(generator.random() < 0.5)
    stripes = make_ruling(
        (side, side), generator, period=period, width=period * generator.uniform(0.3, 0.6), squared=squared
    )
    return to_bytes(255 * (stripes if generator.random() < 0.5 else stripes.T))


def _draw_blank(generator: Generator) -> Bytes:
    """Make nothing: flat or noisy paper, under even or uneven light, at times ruled."""
    size = (int(generator.integers(28, 121)), int(generator.integers(28, 121)))
    paper = np.full((size[1], size[0]), generator.uniform(20, 255), np.float32)
    if generator.random() < 0.5:
        paper *= make_light(size, generator, spread=0.3 * generator.random(), shadow=0.0)
    if generator.random() < 0.3:
        ruling = make_ruling(size, generator, period=min(size) * generator.uniform(0.15, 0.4), width=1.0)
        paper = paper * (1 - 0.3 * ruling)
    return to_bytes(add_noise(paper, generator, generator.choice((0.0, 2.0, 5.0))))


TEST_OUTLIERS: dict[str, Callable[[Generator], Bytes]] = {
    "letters": _draw_letter,
    "scribbles": _draw_scribble,
    "clothing": _draw_garment,
    "noise": _draw_noise,
    "blank": _draw_blank,
}
"""Kind -> function (generator) -> picture of shape (h, w), uint8."""
