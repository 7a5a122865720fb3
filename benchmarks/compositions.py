"""Digits as they come in life: paper, pen, light, geometry and compression together, to train on.

    python -m benchmarks.compositions sheet.png     draw a sheet of all settings

`benchmarks.damage` does one thing to a digit at a time, to measure; here a random setting does several at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.damage import draw_sheet, pick_colors
from benchmarks.drawing import (
    Geometry,
    add_noise,
    blur,
    draw_digit,
    draw_lines,
    find_box,
    jpeg,
    lay_ink,
    make_light,
    make_ruling,
    to_bytes,
    trace,
    warp_lines,
)
from jaxdigits import load_mnist

__all__ = ["SETTINGS", "compose_damage"]

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Generator = np.random.Generator
Picture = Bytes | bytes


def compose_damage(image: Bytes, generator: Generator) -> Picture:
    """Put a digit into a random setting.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        A digit of MNIST; ink is 255.
    generator : numpy.random.Generator
        Draws the setting and everything in it.

    Returns
    -------
    ndarray of uint8 or bytes
        A picture of shape (h, w), (h, w, 3) or (h, w, 4), or an encoded JPEG.

    Examples
    --------
    >>> import numpy as np
    >>> from benchmarks.compositions import compose_damage
    >>> image = np.zeros((28, 28), np.uint8)
    >>> image[4:24, 12:16] = 255
    >>> type(compose_damage(image, np.random.default_rng(0))) in (np.ndarray, bytes)
    True
    """
    compose = list(SETTINGS)[int(generator.choice(len(SETTINGS), p=list(SETTINGS.values())))]
    return compose(image, generator)


def _log_uniform(generator: Generator, low: float, high: float) -> float:
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _place(image: Bytes, size: tuple[int, int], generator: Generator, *, fill: tuple[float, float]) -> Geometry:
    """Place a digit somewhere in a picture, filling a share of its shorter side, a little turned and slanted."""
    left, top, right, bottom = find_box(image)
    width, height = right - left, bottom - top
    scale = generator.uniform(*fill) * min(size) / max(width, height)
    # The box may lie anywhere in the free room, more often near the middle.
    free = np.array([size[0] - scale * width, size[1] - scale * height]) / 2
    shift = free * np.clip(generator.normal(0, 0.4, 2), -1, 1)
    middle = np.array([(left + right) / 2 - 14, (top + bottom) / 2 - 14]) * scale
    x, y = np.array(size) / 2 + shift - middle
    return Geometry(
        scale,
        (float(x), float(y)),
        degrees=float(np.clip(generator.normal(0, 6), -16, 16)),
        shear=float(generator.normal(0, 0.1)),
        aspect=_log_uniform(generator, 0.85, 1.2),
    )


def _pen(
    image: Bytes,
    size: tuple[int, int],
    geometry: Geometry,
    generator: Generator,
    *,
    width: tuple[float, float],
    smooth: bool = True,
) -> Floats:
    """Draw the middle line, a little bent, with a pen of a width between two."""
    lines = geometry.apply(warp_lines(trace(image), generator, strength=generator.uniform(0, 0.5)))
    return draw_lines(size, lines, max(1.0, _log_uniform(generator, *width)), smooth=smooth)


def _write(image: Bytes, size: tuple[int, int], generator: Generator, *, fill: tuple[float, float]) -> Floats:
    """Write a digit with its own strokes, or with a pen of 4 to 20 % of its height."""
    geometry = _place(image, size, generator, fill=fill)
    if generator.random() < 0.5:
        return draw_digit(image, size, geometry)
    height = 20 * geometry.scale
    return _pen(image, size, geometry, generator, width=(0.04 * height, 0.2 * height))


def _photograph(image: Bytes, generator: Generator) -> Picture:
    """Make a photo of paper: its color, ruling, light and shadow, the pen's color, blur, noise, and mostly JPEG."""
    size = (round(_log_uniform(generator, 48, 180)),) * 2
    size = (size[0], round(size[0] * _log_uniform(generator, 0.6, 1.7)))
    ink = _write(image, size, generator, fill=(0.35, 0.9))
    height = 0.6 * min(size)
    if generator.random() < 0.4:  # any colors
        paper, pen = pick_colors(generator, (0.2, 0.8))
    else:
        paper = generator.uniform(140, 250) * generator.uniform(0.94, 1.0, 3)
        pen = paper * generator.uniform(0.1, 0.6) * generator.uniform(0.8, 1.0, 3)
    ground = np.broadcast_to(np.float32(paper), (size[1], size[0], 3))
    if generator.random() < 0.3:
        period, squared = height * generator.uniform(0.2, 1.0), generator.random() < 0.6
        ruling = make_ruling(size, generator, period=period, width=max(1.0, 0.02 * height), squared=squared)
        line = paper + (pen - paper) * generator.uniform(0.15, 0.7)
        ground = lay_ink(ruling, ground, line)
    levels = ground + (np.float32(pen) - ground) * (ink * generator.uniform(0.7, 1.0))[..., None]
    shadow = 0.45 * generator.random() if generator.random() < 0.5 else 0.0
    levels *= make_light(size, generator, spread=0.5 * generator.random(), shadow=shadow)[..., None]
    if generator.random() < 0.4:
        levels = blur(levels, height * generator.uniform(0.005, 0.04))
    picture = to_bytes(add_noise(levels, generator, generator.uniform(0, 8)))
    return jpeg(picture, int(generator.integers(12, 95))) if generator.random() < 0.6 else picture


def _digitize(image: Bytes, generator: Generator) -> Picture:
    """Make a small bitmap of 8 to 32 pixels, gray or binary, filled with or without the digit's own aspect."""
    side = int(generator.integers(8, 33))
    left, top, right, bottom = find_box(image)
    width, height = right - left, bottom - top
    # A stroke that is far from square stays slim: readers did not blow up a 1 to a block.
    wished = float(np.clip(width / height, 0.5, 2.0)) if generator.random() < 0.5 else width / height
    shape = np.array([width, height]) * _log_uniform(generator, 0.8, 1.25) ** np.array([0.5, -0.5])
    if generator.random() < 0.4 and width / height > 0.45:
        shape, wished = np.array([1.0, 1.0]), 1.0
    elif generator.random() < 0.5:
        shape = np.array([wished, 1.0])
    margin = int(generator.integers(0, 2 if side < 14 else 4))
    box = np.maximum(2, np.round(shape / shape.max() * (side - 2 * margin))).astype(int)
    scale = 128 / max(width, height)
    size = (max(8, round(scale * width)), max(8, round(scale * height)))
    geometry = Geometry(
        scale,
        (scale * (14 - left), scale * (14 - top)),
        degrees=generator.normal(0, 3),
        shear=generator.normal(0, 0.05),
    )
    # The stroke stays at least a pixel wide, or a binary bitmap would lose it.
    if generator.random() < 0.7:
        ink = draw_digit(image, size, geometry)
    else:
        ink = _pen(image, size, geometry, generator, width=(128 / max(box), max(14, 160 / max(box))))
    small = Image.fromarray(to_bytes(255 * ink)).resize((int(box[0]), int(box[1])), Image.Resampling.BOX)
    levels = np.zeros((side, side), np.float32)
    if generator.random() < 0.3:  # cut to the box itself
        levels = np.zeros((int(box[1]) + 2 * margin, int(box[0]) + 2 * margin), np.float32)
    y, x = (levels.shape[0] - box[1]) // 2, (levels.shape[1] - box[0]) // 2
    levels[y : y + box[1], x : x + box[0]] = np.asarray(small)
    if generator.random() < 0.5:
        levels = np.where(levels > 255 * generator.uniform(0.3, 0.55), 255, 0).astype(np.float32)
    white = int(generator.choice((255, 16, 1), p=(0.9, 0.05, 0.05)))
    levels = levels if generator.random() < 0.5 else 255 - levels
    return np.round(levels * (white / 255)).astype(np.uint8)


def _sketch(image: Bytes, generator: Generator) -> Picture:
    """Make a drawing on a large canvas, of 1 to 3 pixels or a brush, anywhere; at times transparent."""
    size = (round(_log_uniform(generator, 80, 300)), round(_log_uniform(generator, 80, 300)))
    geometry = _place(image, size, generator, fill=(0.25, 0.9))
    height = 20 * geometry.scale
    width = (1.0, 3.0) if generator.random() < 0.6 else (0.06 * height, 0.2 * height)
    ink = _pen(image, size, geometry, generator, width=width, smooth=generator.random() < 0.6)
    if generator.random() < 0.25:
        pen = generator.choice((0, 255)) if generator.random() < 0.7 else int(generator.integers(256))
        picture = np.full((*ink.shape, 4), pen, np.uint8)
        picture[ink == 0, :3] = generator.choice((0, 255))
        picture[..., 3] = to_bytes(255 * ink)
        return picture
    if generator.random() < 0.3:
        paper, pen = pick_colors(generator, (0.3, 0.9))
        return to_bytes(lay_ink(ink, paper, pen))
    light, dark = generator.uniform(220, 255), generator.uniform(0, 60)
    paper, pen = (light, dark) if generator.random() < 0.7 else (dark, light)
    return to_bytes(lay_ink(ink, paper, pen))


def _scan(image: Bytes, generator: Generator) -> Picture:
    """Make a faint scan of a form at low resolution: little contrast, gray ground, noise."""
    side = int(generator.integers(18, 52))
    size = (side, round(side * generator.uniform(0.8, 1.3)))
    ink = _write(image, size, generator, fill=(0.55, 0.98))
    contrast = generator.uniform(0.1, 0.5)
    paper = generator.uniform(255 * contrast, 255)
    levels = lay_ink(blur(ink, generator.uniform(0.1, 0.7)), paper, paper - 255 * contrast)
    levels *= make_light(size, generator, spread=0.15 * generator.random(), shadow=0.0)
    levels = add_noise(levels, generator, 255 * contrast * generator.uniform(0.0, 0.1))
    return to_bytes(levels if generator.random() < 0.75 else 255 - levels)


def _fill_in(image: Bytes, generator: Generator) -> Picture:
    """Make a cell of a form: remnants of its frame, and strokes of the neighbors, at the border."""
    size = (round(_log_uniform(generator, 28, 110)),) * 2
    size = (size[0], round(size[0] * generator.uniform(0.9, 1.5)))
    ink = _write(image, size, generator, fill=(0.45, 0.8))
    if generator.random() < 0.5:  # what a neighbor's stroke leaves is a few pixels along one side
        depth = max(1, round(min(size) * generator.uniform(0.02, 0.08)))
        neighbor = _write(image[:, ::-1], size, generator, fill=(0.6, 0.9))
        columns = np.flatnonzero(neighbor.max(axis=0) > 0.5)[-depth:]
        side = np.s_[:, : len(columns)] if generator.random() < 0.5 else np.s_[:, size[0] - len(columns) :]
        ink[side] = np.maximum(ink[side], neighbor[:, columns])
    frame = np.zeros_like(ink)
    thick = max(1, round(min(size) * generator.uniform(0.01, 0.04)))
    inset = int(generator.integers(0, max(1, round(0.05 * min(size))) + 1))
    for turns in range(4):
        if generator.random() < 0.6:
            view = np.rot90(frame, turns)
            start, stop = np.sort(generator.uniform(-0.4, 1.4, 2)).clip(0, 1) * view.shape[1]
            view[inset : inset + thick, int(start) : int(stop)] = generator.uniform(0.4, 1.0)
    paper, pen = generator.uniform(190, 255), generator.uniform(0, 110)
    line = paper + (pen - paper) * generator.uniform(0.3, 1.0)
    levels = lay_ink(ink, lay_ink(frame, paper, line), pen)
    picture = to_bytes(add_noise(levels, generator, generator.uniform(0, 6)))
    return jpeg(picture, int(generator.integers(30, 95))) if generator.random() < 0.4 else picture


def _mark(image: Bytes, generator: Generator) -> Picture:
    """Write with a marker or chalk: broad strokes, light on dark or dark on light, at times with dry spots."""
    size = (round(_log_uniform(generator, 40, 160)),) * 2
    geometry = _place(image, size, generator, fill=(0.5, 0.85))
    height = 20 * geometry.scale
    ink = _pen(image, size, geometry, generator, width=(0.13 * height, 0.25 * height))
    if generator.random() < 0.4:
        coarse = generator.random((size[1] // 2 + 1, size[0] // 2 + 1), dtype=np.float32)
        grain = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))
        ink = ink * np.clip(0.35 + 1.6 * grain, 0, 1)
    light, dark = generator.uniform(180, 255), generator.uniform(0, 90)
    paper, pen = (light, dark) if generator.random() < 0.7 else (dark, light)
    levels = lay_ink(ink, paper, pen) * make_light(size, generator, spread=0.3 * generator.random(), shadow=0.0)
    return to_bytes(add_noise(levels, generator, generator.uniform(0, 6)))


SETTINGS: dict[Callable[[Bytes, Generator], Picture], float] = {
    _photograph: 0.30,
    _digitize: 0.22,
    _sketch: 0.18,
    _scan: 0.12,
    _fill_in: 0.10,
    _mark: 0.08,
}
"""Setting -> how often `compose_damage` draws it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a sheet: three rows for each setting."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compositions", description=__doc__.splitlines()[0])
    parser.add_argument("sheet", type=Path, help="PNG to write")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    images, _, _, _ = load_mnist()
    generator = np.random.default_rng(args.seed)
    rows = [
        [compose(images[index], generator) for index in generator.integers(0, len(images), 16)]
        for compose in SETTINGS
        for _ in range(3)
    ]
    draw_sheet(rows).save(args.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
