"""What is no digit: made from MNIST's training images, to learn from, and drawn independently, to measure.

    python -m benchmarks.outliers sheet.png     draw a sheet of both

`TRAINING_OUTLIERS` break, turn and mix digits. `TEST_OUTLIERS` know nothing of them or of MNIST: letters drawn by
strokes, scribbles, clothing-like shapes, noise and blank paper.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.damage import draw_sheet
from benchmarks.drawing import blur, to_bytes
from benchmarks.shapes import TEST_OUTLIERS
from jaxdigits import load_mnist
from jaxdigits.data.images import canonical_digit

__all__ = ["TRAINING_OUTLIERS", "Digits", "make_training_outliers"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Generator = np.random.Generator

# What stays no digit when it is mirrored: a 2 becomes nearly a 5 and a 5 nearly a 2, 0, 1 and 8 stay themselves.
MIRRORED = (3, 4, 6, 7, 9)
FLIPPED = (4, 7)
# On their sides a 0 and an 8 stay themselves, and slanted 2, 5, 6 and 9 are near another digit.
TURNED = (1, 3, 4, 7)
# A 1 hides in what it is laid over, or crosses a 7 as many people do.
OVERLAID = (0, 2, 3, 4, 5, 6, 7, 8, 9)
# Halves that are no other digit: the lower half of an 8 is a 0, the upper half of a 6 a 1.
HALVES = ((0, "upper"), (0, "lower"), (0, "left"), (2, "lower"), (4, "upper"), (5, "upper"))
PARTS = {"upper": np.s_[:14], "lower": np.s_[14:], "left": np.s_[:, :14]}
TRIES = 20


class Digits:
    """Training images by label, to draw from.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), uint8
        Ink is 255.
    labels : ndarray of shape (n,)
        From 0 to 9.
    generator : numpy.random.Generator
        Draws the images, and serves whoever draws from here.
    """

    def __init__(self, images: Bytes, labels: Any, generator: Generator) -> None:
        self._images = images
        self._indices = [np.flatnonzero(np.asarray(labels) == digit) for digit in range(10)]
        self.generator = generator

    def pick(self, *digits: int) -> Bytes:
        """Draw an image of one of these digits; of any without."""
        present = [digit for digit in digits or range(10) if len(self._indices[digit])]
        indices = self._indices[self.generator.choice(present)] if present else np.arange(len(self._images))
        image: Bytes = self._images[self.generator.choice(indices)]
        return image


def make_training_outliers(images: Bytes, labels: Any, n: int, generator: Generator) -> Floats:
    """Make images of no digit out of digits, brought to the form in which digits come.

    Parameters
    ----------
    images : ndarray of shape (m, 28, 28), uint8
        Digits; ink is 255.
    labels : ndarray of shape (m,)
        Their labels.
    n : int
        How many to make.
    generator : numpy.random.Generator
        Draws kinds and images.

    Returns
    -------
    ndarray of shape (n, 28, 28), float32
        Ink is 1.
    """
    digits = Digits(images, labels, generator)
    makers = [_draw_static, *(partial(_make_one, make) for make in TRAINING_OUTLIERS.values())]
    made = [makers[int(generator.integers(len(makers)))](digits) for _ in range(n)]
    return np.array(made, dtype=np.float32).reshape(-1, 28, 28)


def _make_one(make: Callable[[Digits], Bytes], digits: Digits) -> Floats:
    """Bring an outlier to canonical form; one that comes out blank is made again."""
    for _ in range(TRIES):
        image, diagnosis = canonical_digit(make(digits))
        if diagnosis.readable:
            return np.asarray(image, np.float32)
    return _draw_static(digits)


def _draw_static(digits: Digits) -> Floats:
    """Draw white noise as it is: what is handed over as an image needs not have come through the pipeline."""
    darkest, brightest = np.sort(digits.generator.random(2))
    noise = digits.generator.random((28, 28), dtype=np.float32)
    return np.asarray(darkest * 0.5 + (0.5 + 0.5 * brightest - darkest * 0.5) * noise, np.float32)


def _half(digits: Digits) -> Bytes:
    digit, part = HALVES[int(digits.generator.integers(len(HALVES)))]
    piece = np.zeros((28, 28), np.uint8)
    piece[PARTS[part]] = digits.pick(digit)[PARTS[part]]
    return piece


def _mirror(digits: Digits) -> Bytes:
    if digits.generator.random() < 0.3:
        return digits.pick(*FLIPPED)[::-1].copy()
    return digits.pick(*MIRRORED)[:, ::-1].copy()


def _turn(digits: Digits) -> Bytes:
    return np.rot90(digits.pick(*TURNED), digits.generator.choice((1, 3))).copy()


def _overlay(digits: Digits) -> Bytes:
    """Lay two digits over each other, of which neither hides much of the other."""
    best, most_seen = np.zeros((28, 28), np.uint8), -1.0
    for _ in range(TRIES):
        first, second = digits.pick(*OVERLAID), digits.pick(*OVERLAID)
        shift = digits.generator.integers(-4, 5, 2)
        second = np.roll(second, tuple(int(step) for step in shift), axis=(0, 1))
        union = np.maximum(first, second)
        seen = 1 - np.minimum(first, second).sum(dtype=float) / min(first.sum(dtype=float), second.sum(dtype=float))
        if seen > most_seen:
            best, most_seen = union, seen
        if most_seen > 0.65:
            break
    return best


def _scramble(digits: Digits) -> Bytes:
    """Mix four quarters, each of another digit or place."""
    quarters = [digits.pick()[row : row + 14, column : column + 14] for row in (0, 14) for column in (0, 14)]
    order = digits.generator.permutation(4)
    while (order == np.arange(4)).sum() > 1:
        order = digits.generator.permutation(4)
    top, bottom = ([quarters[index] for index in order[half : half + 2]] for half in (0, 2))
    return np.block([top, bottom])


def _squeeze(digits: Digits) -> Bytes:
    """Put two or three digits side by side, squeezed together until they are one thing."""
    n_digits = int(digits.generator.integers(2, 4))
    narrow = [_crop_columns(digits.pick()) for _ in range(n_digits)]
    joined = Image.fromarray(np.concatenate(narrow, axis=1))
    width = int(digits.generator.integers(20, 29))
    return np.asarray(joined.resize((width, 28), Image.Resampling.BOX))


def _crop_columns(image: Bytes) -> Bytes:
    columns = np.flatnonzero(image.max(axis=0) > 64)
    return image if not len(columns) else image[:, columns[0] : columns[-1] + 1]


def _fill(digits: Digits) -> Bytes:
    """Make a blob: several digits blurred together, at times the same on both sides as clothes are."""
    generator = digits.generator
    shape, blob = np.zeros((28, 28), np.float32), np.zeros((28, 28), bool)
    for _ in range(TRIES):
        moved = [
            np.roll(digits.pick(), tuple(map(int, generator.integers(-5, 6, 2))), axis=(0, 1))
            for _ in range(int(generator.integers(3, 7)))
        ]
        shape = blur(np.sum(moved, axis=0, dtype=np.float32), generator.uniform(1.2, 2.5))
        shape = np.maximum(shape, shape[:, ::-1]) if generator.random() < 0.5 else shape
        blob = ndimage.binary_fill_holes(shape > shape.max() * generator.uniform(0.15, 0.4))
        if blob.any(axis=0).sum() > 0.7 * blob.any(axis=1).sum():  # a slim blob is a 1
            break
    levels = blob * np.float32(generator.uniform(0.5, 1.0))
    if generator.random() < 0.5:  # a pattern of gray within
        levels = levels * (0.4 + 0.6 * shape / shape.max())
    return to_bytes(255 * levels)


def _scramble_phases(digits: Digits) -> Bytes:
    """Make noise with a digit's spectrum: its amplitudes with other phases."""
    amplitudes = np.abs(np.fft.rfft2(digits.pick().astype(np.float32)))
    phases = np.angle(np.fft.rfft2(digits.generator.random((28, 28))))
    noise = np.fft.irfft2(amplitudes * np.exp(1j * phases), (28, 28))
    noise = (noise - noise.min()) / max(float(np.ptp(noise)), 1e-6)
    steepness = digits.generator.uniform(1, 4)
    return to_bytes((255 * np.clip(0.5 + steepness * (noise - 0.55), 0, 1)).astype(np.float32))


def _scatter(digits: Digits) -> Bytes:
    """Scatter pieces of strokes from many digits."""
    generator = digits.generator
    canvas = np.zeros((36, 36), np.uint8)
    for _ in range(int(generator.integers(4, 11))):
        side = int(generator.integers(6, 13))
        row, column = (int(start) for start in generator.integers(4, 24 - side, 2))
        piece = np.rot90(digits.pick()[row : row + side, column : column + side], int(generator.integers(4)))
        y, x = (int(start) for start in generator.integers(0, 36 - side, 2))
        view = canvas[y : y + side, x : x + side]
        np.maximum(view, piece, out=view)
    return canvas[4:32, 4:32]


def _assemble(digits: Digits) -> Bytes:
    """Put signs together from three to five straight or bent strokes, as letters are."""
    generator = digits.generator
    canvas = Image.new("L", (56, 56))
    for _ in range(int(generator.integers(3, 6))):
        stroke = digits.pick(1) if generator.random() < 0.7 else _half(digits)
        long = int(generator.integers(28, 57))
        turned = Image.fromarray(stroke).resize((long, long), Image.Resampling.BICUBIC)
        degrees = float(generator.choice((0, 30, 60, 90, 120, 150)) + generator.normal(0, 8))
        turned = turned.rotate(degrees, Image.Resampling.BICUBIC)
        corner = tuple(int(place) for place in generator.integers(-8, 64 - long, 2))
        canvas.paste(turned, corner, turned)
    return np.asarray(canvas)


def _scribble(digits: Digits) -> Bytes:
    """Make a line that wanders through the strokes of several digits, strongly bent."""
    generator = digits.generator
    total = np.zeros((28, 28), np.uint8)
    for _ in range(int(generator.integers(2, 4))):
        total = np.maximum(total, np.rot90(digits.pick(), int(generator.integers(4))))
    moves = [blur(generator.standard_normal((28, 28), dtype=np.float32), 4.0) for _ in range(2)]
    places = [place + move * generator.uniform(30, 70) for place, move in zip(np.indices((28, 28)), moves, strict=True)]
    bent: Bytes = ndimage.map_coordinates(total, places, order=1)
    return bent


TRAINING_OUTLIERS: dict[str, Callable[[Digits], Bytes]] = {
    "halves": _half,
    "mirrored": _mirror,
    "turned": _turn,
    "overlaid": _overlay,
    "scrambled": _scramble,
    "squeezed": _squeeze,
    "filled": _fill,
    "noise": _scramble_phases,
    "scattered": _scatter,
    "assembled": _assemble,
    "scribbled": _scribble,
}
"""Kind -> function (digits to draw from) -> image of shape (h, w), uint8, ink 255."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a sheet: a row for each kind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outliers", description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path, help="PNG to write")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    images, _, labels, _ = load_mnist()
    generator = np.random.default_rng(args.seed)
    digits = Digits(images, labels, generator)
    rows = [[make(digits) for _ in range(16)] for make in TRAINING_OUTLIERS.values()]
    rows += [[make(generator) for _ in range(16)] for make in TEST_OUTLIERS.values()]
    draw_sheet(rows).save(args.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
