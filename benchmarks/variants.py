"""Digits as other hands write them: 4 closed at the top, 1 with an upstroke and a foot, 7 with a bar.

    python -m benchmarks.variants sheet.png     draw a sheet of them

MNIST's writers were taught in the United States around 1990. Half of the world closes its fours, begins its ones with
an upstroke, or crosses its sevens. Each variant adds a stroke to an image of MNIST, as wide as the digit's own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from jaxdigits import load_mnist

__all__ = ["SHARES", "VARIANTS", "vary", "write_variant"]

Bytes = NDArray[np.uint8]
Generator = np.random.Generator
Point = tuple[float, float]

SHARES = {1: 0.3, 4: 1.0, 7: 0.3}
"""Digit -> share that is written so; only every seventh four has arms that can be joined."""

_FINE = 8  # strokes are drawn at this many pixels per pixel
_SHORTEST = 3  # rows that both arms of a four must rise above its bar


def vary(images: Bytes, labels: NDArray[np.int64], generator: Generator) -> Bytes:
    """Write a share of the digits as other hands do.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), uint8
        Ink is 255.
    labels : ndarray of shape (n,)
        The digits.
    generator : numpy.random.Generator
        Chooses which, and draws the strokes.

    Returns
    -------
    ndarray of shape (n, 28, 28), uint8
        A copy.
    """
    varied = images.copy()
    shares = np.array([SHARES.get(int(label), 0.0) for label in labels])
    for index in np.flatnonzero(generator.random(len(labels)) < shares):
        varied[index] = write_variant(images[index], int(labels[index]), generator)
    return varied


def write_variant(image: Bytes, label: int, generator: Generator) -> Bytes:
    """Add the strokes of a digit's variant.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.
    label : int
        The digit; one without a variant is left as it is.
    generator : numpy.random.Generator
        Draws the strokes.

    Returns
    -------
    ndarray of shape (28, 28), uint8
        The same image where the stroke would not fit.
    """
    lines = VARIANTS[label](image > 127, generator) if label in VARIANTS else []
    return _add_lines(image, lines, generator) if lines else image


def _close_four(mask: NDArray[np.bool_], _generator: Generator) -> list[tuple[Point, Point]]:
    """Join the two arms at the top, where the bar goes on to the right: that is what tells it from a nine."""
    rows = np.flatnonzero(mask.any(axis=1))
    for cut in range(rows[-1], rows[0] + _SHORTEST, -1):
        labels, count = ndimage.label(mask[:cut], structure=np.ones((3, 3)))
        if count == 2:
            (left, top_left), (right, top_right) = sorted(_top(labels == arm) for arm in (1, 2))
            rises = cut - max(top_left, top_right) >= _SHORTEST
            stem = np.flatnonzero(mask[cut - 1])[-1]
            bar = np.flatnonzero(mask[cut : cut + 4].any(axis=0))
            goes_on = len(bar) > 0 and bar[-1] >= stem + 2
            return [((left, top_left), (right, top_right))] if rises and goes_on and right - left >= 3 else []
    return []


def _begin_one(mask: NDArray[np.bool_], generator: Generator) -> list[tuple[Point, Point]]:
    """Add an upstroke, and a foot to some."""
    rows = np.flatnonzero(mask.any(axis=1))
    height = rows[-1] - rows[0] + 1
    x, y = _top(mask)
    angle = np.radians(generator.uniform(25, 60))  # below the horizontal
    length = height * generator.uniform(0.22, 0.45)
    lines: list[tuple[Point, Point]] = [((x, y), (x - length * np.cos(angle), y + length * np.sin(angle)))]
    if generator.random() < 0.4:
        bottom = float(np.flatnonzero(mask[rows[-1]]).mean())
        half = height * generator.uniform(0.15, 0.32)
        slope = generator.uniform(-1, 1)
        lines.append(((bottom - half, rows[-1] + slope), (bottom + half, rows[-1] - slope)))
    return lines


def _cross_seven(mask: NDArray[np.bool_], generator: Generator) -> list[tuple[Point, Point]]:
    """Add a bar across the stem."""
    rows = np.flatnonzero(mask.any(axis=1))
    height = rows[-1] - rows[0] + 1
    row = rows[0] + round(height * generator.uniform(0.45, 0.62))
    columns = np.flatnonzero(mask[row])
    if not len(columns) or np.ptp(columns) > 8:
        return []
    half, tilt = height * generator.uniform(0.16, 0.28), generator.uniform(-1.5, 1.5)
    middle = float(columns.mean())
    return [((middle - half, row + tilt), (middle + half, row - tilt))]


VARIANTS: dict[int, Callable[[NDArray[np.bool_], Generator], list[tuple[Point, Point]]]] = {
    1: _begin_one,
    4: _close_four,
    7: _cross_seven,
}
"""Digit -> what gives the strokes to add, as pairs of (column, row), from its ink."""


def _top(mask: NDArray[np.bool_]) -> Point:
    row = int(np.flatnonzero(mask.any(axis=1))[0])
    return float(np.flatnonzero(mask[row]).mean()), float(row)


def _add_lines(image: Bytes, lines: list[tuple[Point, Point]], generator: Generator) -> Bytes:
    """Draw strokes about as wide as the digit's own."""
    inside = ndimage.distance_transform_edt(image > 127)
    width = max(1.5, 2 * float(np.percentile(inside[inside > 0], 80)) - 0.5) * generator.uniform(0.8, 1.05)
    side = _FINE * len(image)
    fine = Image.new("L", (side, side))
    draw = ImageDraw.Draw(fine)
    radius = _FINE * width / 2
    for line in lines:
        ends = [(_FINE * (x + 0.5), _FINE * (y + 0.5)) for x, y in line]
        draw.line(ends, fill=255, width=max(1, round(2 * radius)))
        for x, y in ends:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.maximum(image, np.asarray(fine.reduce(_FINE)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a sheet: a row of each digit as it was, and one as it is written elsewhere.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    int
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.variants", description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path, help="PNG to write")
    args = parser.parse_args(arguments)
    images, _, labels, _ = load_mnist()
    generator = np.random.default_rng(0)
    rows = []
    for digit in VARIANTS:
        chosen = images[labels == digit][:20]
        rows += [chosen, [write_variant(image, digit, generator) for image in chosen]]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    Image.fromarray(sheet).resize((2 * sheet.shape[1], 2 * sheet.shape[0])).save(args.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
