"""Tests of jaxdigits.plotting.style."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from jaxdigits.plotting.style import (
    BLUE,
    VERMILION,
    background_color,
    blend,
    format_percent,
    ink_on,
    text_color,
)


def contrast(first: str, second: str) -> float:
    """Contrast of two colors after WCAG 2."""

    def luminance(color: str) -> float:
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", [BLUE, VERMILION])
@pytest.mark.parametrize("background", ["white", "black"])
def test_colors_stand_out_from_light_and_dark(color, background):
    assert contrast(color, background) >= 3.8


@pytest.mark.parametrize("color", ["white", "black", "gold", "navy", "gray", "dimgray", "tomato", BLUE, VERMILION])
def test_ink_on_chooses_the_greater_contrast_or_one_as_good(color):
    other = {"black": "white", "white": "black"}[ink_on(to_rgb(color))]
    assert contrast(color, ink_on(to_rgb(color))) >= 0.9 * contrast(color, other)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.99996, ">99.9 %"),
        (0.0001, "<0.1 %"),
        (0.5, "50.0 %"),
        (0.1234, "12.3 %"),
    ],
)
def test_format_percent_rounds_nothing_to_certainty(share, text):
    assert format_percent(share) == text


def test_blend_goes_from_background_to_color():
    assert blend("white", (0.0, 0.0, 0.0), 0.0) == (0.0, 0.0, 0.0)
    assert blend("red", (0.0, 0.0, 1.0), 1.0) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("axes_face", "figure_face", "expected"),
    [
        ("red", "blue", (1.0, 0.0, 0.0)),
        ("none", "blue", (0.0, 0.0, 1.0)),
        ("none", "none", (1.0, 1.0, 1.0)),
    ],
)
def test_background_color_looks_through_what_is_transparent(axes_face, figure_face, expected):
    ax = plt.figure(facecolor=figure_face).add_subplot(facecolor=axes_face)
    assert background_color(ax) == expected


def test_background_color_of_a_transparent_figure_is_guessed_from_the_text():
    with plt.rc_context({"text.color": "white"}):
        ax = plt.figure(facecolor="none").add_subplot(facecolor="none")
        assert text_color() == "white"
        assert background_color(ax) == (0.0, 0.0, 0.0)
