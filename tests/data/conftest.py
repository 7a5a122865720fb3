"""Drawn digits for the tests of pictures."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

# Lines through points of a box from (0, 0) to (1, 1).
STROKES = {
    0: [[(0.5, 0), (0.1, 0.2), (0, 0.5), (0.1, 0.8), (0.5, 1), (0.9, 0.8), (1, 0.5), (0.9, 0.2), (0.5, 0)]],
    1: [[(0.5, 0), (0.5, 1)]],
    2: [[(0, 0.2), (0.3, 0), (0.8, 0.05), (0.95, 0.3), (0, 1), (1, 1)]],
    4: [[(0.6, 0), (0, 0.65), (1, 0.65)], [(0.7, 0.35), (0.7, 1)]],
    5: [[(0.95, 0), (0.1, 0), (0.05, 0.45), (0.6, 0.4), (0.95, 0.65), (0.7, 0.95), (0, 1)]],
    7: [[(0, 0), (1, 0), (0.35, 1)]],
}


def _draw(
    digit: int = 4,
    *,
    size: tuple[int, int] = (120, 120),
    width: int = 8,
    ink: object = 30,
    paper: object = 230,
    mode: str = "L",
    box: tuple[float, float, float, float] | None = None,
) -> Image.Image:
    image = Image.new(mode, size, paper)
    left, top, right, bottom = box or (0.3 * size[0], 0.2 * size[1], 0.7 * size[0], 0.8 * size[1])
    draw = ImageDraw.Draw(image)
    for stroke in STROKES[digit]:
        points = [(left + x * (right - left), top + y * (bottom - top)) for x, y in stroke]
        draw.line(points, fill=ink, width=width, joint="curve")
    return image


@pytest.fixture(scope="session")
def draw_digit() -> Callable[..., Image.Image]:
    """Draw a digit with straight strokes: digit, size, width, ink, paper, mode, box."""
    return _draw


@pytest.fixture(scope="session")
def likeness() -> Callable[[np.ndarray, np.ndarray], float]:
    """Cosine between two images, blurred, and moved by up to a pixel: 1.0 for the same."""
    from scipy.ndimage import gaussian_filter

    def compare(one: np.ndarray, other: np.ndarray) -> float:
        one, other = (gaussian_filter(image, 1.0) for image in (one, other))
        moved = [np.roll(other, (down, right), axis=(0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        lengths = float(np.sqrt((one**2).sum() * (other**2).sum()))
        return max(float((one * each).sum()) for each in moved) / lengths

    return compare
