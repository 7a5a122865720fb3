"""What happens to digits outside MNIST: fifteen kinds of damage, each mild, middle or hard.

    python -m benchmarks.damage sheet.png     draw a sheet of all kinds

A person reads nearly all of them at middle strength. Every kind is a function of a digit of MNIST, a strength and a
source of randomness, and returns a picture as a user might hand it in.
"""

from __future__ import annotations

import argparse
import colorsys
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.drawing import (
    Geometry,
    add_noise,
    blur,
    draw_digit,
    draw_pen,
    find_box,
    jpeg,
    lay_ink,
    make_light,
    make_ruling,
    to_bytes,
)
from jaxdigits import load_mnist

__all__ = ["DAMAGES", "STRENGTHS", "draw_sheet", "pick_colors", "show_picture"]

STRENGTHS = ("mild", "middle", "hard")
HEIGHT = 20  # pixels of MNIST that a digit is high

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Generator = np.random.Generator
Picture = Bytes | bytes


def _draw(image: Bytes, generator: Generator, sides: tuple[int, int] = (56, 112)) -> Floats:
    """Draw a digit in a square frame like MNIST's, of a side between two."""
    side = int(generator.integers(sides[0], sides[1] + 1))
    return draw_digit(image, (side, side), Geometry(side / 28, (side / 2, side / 2)))


def _turn_over(levels: Floats, generator: Generator) -> Floats:
    """Turn every second picture over: light ink on a dark ground."""
    return 255 - levels if generator.random() < 0.5 else levels


def _invert(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Lay dark ink on light paper, then gray on gray, then little contrast and noise, either way around."""
    if strength == 0:
        return 255 - image
    contrast = generator.uniform(*((0.5, 0.8), (0.2, 0.35))[strength - 1])
    paper = generator.uniform(255 * contrast + 10, 245)
    levels = lay_ink(_draw(image, generator), paper, paper - 255 * contrast)
    return to_bytes(add_noise(_turn_over(levels, generator), generator, (2.0, 4.0)[strength - 1]))


def _move(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Put it somewhere on a sheet that is 1.3, 2 or 4 times as large as need be."""
    room = (1.3, 2.0, 4.0)[strength]
    scale = generator.uniform(1.5, 3.0)
    left, top, right, bottom = find_box(image)
    side = int(np.ceil(room * 28 * scale))
    x, y = (generator.uniform(2, side - 2 - scale * length) for length in (right - left, bottom - top))
    center = (x + scale * (14 - left), y + scale * (14 - top))
    return to_bytes(lay_ink(draw_digit(image, (side, side), Geometry(scale, center)), 255, 0))


def _scale(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Make pictures of 28 to 112, then 14 to 22 or 160 to 280, then 8 to 11 or 400 pixels."""
    ranges = ([(28, 112)], [(14, 22), (160, 280)], [(8, 11), (400, 400)])[strength]
    low, high = ranges[int(generator.integers(len(ranges)))]
    side = int(generator.integers(low, high + 1))
    if side >= 28:
        return to_bytes(lay_ink(draw_digit(image, (side, side), _centered(image, side, 0.15)), 255, 0))
    return to_bytes(lay_ink(draw_digit(image, (side, side), _centered(image, side, 0.5 / side)), 255, 0))


def _centered(image: Bytes, side: int, margin: float) -> Geometry:
    """Put a digit's box into the middle of a square, with a margin on all sides as a share of the square's."""
    left, top, right, bottom = find_box(image)
    scale = (1 - 2 * margin) * side / max(right - left, bottom - top)
    center = (side / 2 + scale * (14 - (left + right) / 2), side / 2 + scale * (14 - (top + bottom) / 2))
    return Geometry(scale, center)


def _thin(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Take a pen of 5 %, then 3 % of a digit's height, then single pixels on a large sheet."""
    side = int(generator.integers(*((56, 113), (84, 169), (112, 281))[strength]))
    width = (max(1.0, 0.05 * HEIGHT * side / 28), max(1.0, 0.03 * HEIGHT * side / 28), 1.0)[strength]
    geometry = Geometry(side / 28, (side / 2, side / 2))
    smooth = strength < 2 or generator.random() < 0.5
    return to_bytes(lay_ink(draw_pen(image, (side, side), geometry, width=width, smooth=smooth), 255, 0))


def _thick(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Take a marker of 15, 19 or 23 % of a digit's height."""
    side = int(generator.integers(56, 113))
    width = (0.15, 0.19, 0.23)[strength] * HEIGHT * side / 28
    geometry = Geometry(0.9 * side / 28, (side / 2, side / 2))
    return to_bytes(lay_ink(draw_pen(image, (side, side), geometry, width=width), 255, 0))


def _shade(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Take gray paper under uneven light, with the edge of a shadow, and some noise."""
    ink = _draw(image, generator)
    size = (ink.shape[1], ink.shape[0])
    paper = generator.uniform(*((190, 235), (150, 220), (120, 200))[strength])
    pen = paper * generator.uniform(*((0.1, 0.35), (0.2, 0.45), (0.35, 0.55))[strength])
    light = make_light(
        size, generator, spread=(0.15, 0.35, 0.55)[strength], shadow=(0.1, 0.3, 0.5)[strength] * generator.random()
    )
    levels = lay_ink(ink, paper, pen) * light
    return to_bytes(add_noise(levels, generator, (2.0, 4.0, 7.0)[strength]))


def _rule(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Take squared paper, its lines ever darker and closer together; the pen stays darker and wider."""
    ink = _draw(image, generator, (64, 128))
    height = HEIGHT / 28 * len(ink)
    period = height * generator.uniform(*((0.6, 1.0), (0.35, 0.7), (0.22, 0.4))[strength])
    ruling = make_ruling(
        (ink.shape[1], ink.shape[0]), generator, period=period, width=max(1.0, 0.02 * height), squared=True
    )
    paper = np.array([250.0, 249.0, 244.0], np.float32)
    line = np.array([90.0, 130.0, 200.0], np.float32) if generator.random() < 0.6 else np.full(3, 130.0, np.float32)
    depth = (0.35, 0.65, 1.0)[strength]
    levels = lay_ink(depth * ruling, paper, line)
    levels += (np.array([35.0, 35.0, 50.0], np.float32) - levels) * ink[..., None]
    return to_bytes(add_noise(levels, generator, 2.0))


def _compress(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Encode as JPEG of quality 40, 15 and 6."""
    ink = _draw(image, generator, ((56, 96), (48, 84), (40, 72))[strength])
    paper, pen = generator.uniform(200, 255), generator.uniform(0, 80)
    return jpeg(to_bytes(add_noise(lay_ink(ink, paper, pen), generator, 3.0)), (40, 15, 6)[strength])


def _blur(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Put out of focus, by 3, 6 and 9 % of a digit's height."""
    ink = _draw(image, generator)
    sigma = (0.03, 0.06, 0.09)[strength] * HEIGHT / 28 * len(ink)
    return to_bytes(_turn_over(lay_ink(blur(ink, sigma), 245, 20), generator))


def _pepper(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Strew salt and pepper on 2, 5 and 12 % of the pixels."""
    ink = _draw(image, generator, (28, 84))
    levels = _turn_over(lay_ink(ink, 255, 0), generator)
    share = (0.02, 0.05, 0.12)[strength]
    chance = generator.random(levels.shape, dtype=np.float32)
    levels[chance < share / 2] = 0
    levels[chance > 1 - share / 2] = 255
    return to_bytes(levels)


def pick_colors(generator: Generator, contrast: tuple[float, float]) -> tuple[Floats, Floats]:
    """Pick the colors of paper and ink.

    Parameters
    ----------
    generator : numpy.random.Generator
        Draws them.
    contrast : tuple of float
        Least and greatest difference of their luma, from 0 to 1; where it is small, their hues are far apart.

    Returns
    -------
    paper, pen : ndarray of shape (3,), float32
        Levels from 0 to 255.
    """
    luma = np.array([0.299, 0.587, 0.114])
    while True:
        hue, value = generator.random(), generator.uniform(0.4, 1.0)
        paper = np.array(colorsys.hsv_to_rgb(hue, generator.uniform(0.1, 0.8), value))
        apart = (hue + generator.uniform(0.3, 0.7)) % 1
        pen = np.array(colorsys.hsv_to_rgb(apart, generator.uniform(0.4, 1.0), generator.uniform(0.1, 1.0)))
        difference = abs(float(luma @ (paper - pen)))
        if contrast[0] <= difference <= contrast[1] and np.abs(paper - pen).max() > 0.35:
            return (255 * paper).astype(np.float32), (255 * pen).astype(np.float32)


def _color(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Lay colored ink on colored paper, ever closer in luma until the hues alone differ."""
    paper, pen = pick_colors(generator, ((0.4, 0.8), (0.18, 0.35), (0.0, 0.06))[strength])
    levels = lay_ink(_draw(image, generator), paper, pen)
    return to_bytes(add_noise(levels, generator, (1.0, 2.0, 3.0)[strength]))


def _cut_out(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Lay dark or white ink on nothing; then over black that is transparent; then pale ink over hidden noise."""
    ink = _draw(image, generator)
    opacity = (1.0, 1.0, generator.uniform(0.5, 0.8))[strength]
    pen = 255 if generator.random() < 0.5 else int(generator.integers(0, 60))
    picture = np.full((*ink.shape, 4), pen, np.uint8)
    if strength == 1:
        picture[ink == 0, :3] = 0
    if strength == 2:
        picture[ink == 0, :3] = generator.integers(0, 256, (int((ink == 0).sum()), 3))
    picture[..., 3] = to_bytes(255 * opacity * ink)
    return picture


def _crop(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Crop with a margin of 5 % of the height, with none, and into the ink by 3 %."""
    scale = generator.uniform(1.5, 5.0)
    left, top, right, bottom = find_box(image)
    margin = (0.05, 0.0, -0.03)[strength] * (bottom - top)
    left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
    size = (max(4, round(scale * (right - left))), max(4, round(scale * (bottom - top))))
    geometry = Geometry(scale, (scale * (14 - left), scale * (14 - top)))
    levels = lay_ink(draw_digit(image, size, geometry), generator.uniform(200, 255), generator.uniform(0, 60))
    return to_bytes(_turn_over(levels, generator))


def _frame(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Frame twice, four and eight times as wide as high, or as high as wide."""
    ratio = (2.0, 4.0, 8.0)[strength]
    short = int(generator.integers(36, 72))
    long = round(ratio * short)
    scale = generator.uniform(0.7, 1.0) * short / 24
    free = scale * 12
    along = generator.uniform(free, long - free)
    center, size = (along, short / 2), (long, short)
    if generator.random() < 0.5:
        center, size = center[::-1], size[::-1]
    levels = lay_ink(draw_digit(image, size, Geometry(scale, center)), 250, 10)
    return to_bytes(_turn_over(levels, generator))


def _rotate(image: Bytes, strength: int, generator: Generator) -> Picture:
    """Rotate by up to 5, by 5 to 10, and by 10 to 15 degrees, either way."""
    degrees = generator.uniform(*((0, 5), (5, 10), (10, 15))[strength]) * generator.choice((-1, 1))
    side = int(generator.integers(56, 113))
    geometry = Geometry(0.9 * side / 28, (side / 2, side / 2), degrees=degrees)
    return to_bytes(lay_ink(draw_digit(image, (side, side), geometry), 250, 10))


DAMAGES: dict[str, Callable[[Bytes, int, Generator], Picture]] = {
    "inverted": _invert,
    "off center": _move,
    "scaled": _scale,
    "thin": _thin,
    "thick": _thick,
    "gray paper, shadow": _shade,
    "squared paper": _rule,
    "JPEG blocks": _compress,
    "blur": _blur,
    "salt and pepper": _pepper,
    "colors": _color,
    "transparent": _cut_out,
    "cropped tight": _crop,
    "wide and tall frames": _frame,
    "rotated": _rotate,
}
"""Kind of damage -> function (image of 28x28 uint8 with ink 255, strength 0, 1 or 2, generator) -> picture."""


def show_picture(picture: Picture) -> Image.Image:
    """Open a damaged picture for looking at it; what is transparent is shown on a light red.

    Parameters
    ----------
    picture : ndarray of uint8, or bytes
        From one of `DAMAGES`.

    Returns
    -------
    PIL.Image.Image
        In RGB.
    """
    opened = Image.open(io.BytesIO(picture)) if isinstance(picture, bytes) else Image.fromarray(picture)
    if opened.mode != "RGBA":
        return opened.convert("RGB")
    ground = Image.new("RGBA", opened.size, (244, 190, 190, 255))
    return Image.alpha_composite(ground, opened).convert("RGB")


def draw_sheet(rows: Sequence[Sequence[Picture]], *, tile: int = 72) -> Image.Image:
    """Put pictures into a grid, each as large as its tile allows.

    Parameters
    ----------
    rows : sequence of sequences of pictures
        What stands in each row.
    tile : int, default=72
        Side of a tile, in pixels.

    Returns
    -------
    PIL.Image.Image
    """
    sheet = Image.new("RGB", (max(map(len, rows)) * (tile + 4), len(rows) * (tile + 4)), (120, 160, 120))
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            shown = show_picture(picture)
            factor = tile / max(shown.size)
            size = (max(1, round(shown.width * factor)), max(1, round(shown.height * factor)))
            small = shown.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST)
            sheet.paste(small, (column * (tile + 4) + 2, row * (tile + 4) + 2))
    return sheet


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a sheet: a row for each kind, four digits at each strength."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.damage", description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path, help="PNG to write")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    images, _, _, _ = load_mnist()
    generator = np.random.default_rng(args.seed)
    chosen = generator.integers(0, len(images), (len(DAMAGES), 3, 5))
    rows = [
        [damage(images[index], strength, generator) for strength in range(3) for index in indices[strength]]
        for damage, indices in zip(DAMAGES.values(), chosen, strict=True)
    ]
    draw_sheet(rows).save(args.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
