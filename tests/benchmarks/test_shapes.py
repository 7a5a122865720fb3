"""Pictures of no digit, drawn by rules."""

import ast
from pathlib import Path

import numpy as np
import pytest

from benchmarks import shapes
from benchmarks.shapes import CLOTHES, LETTERS, TEST_OUTLIERS


@pytest.mark.parametrize("kind", TEST_OUTLIERS)
def test_the_seed_decides_the_picture(kind):
    first, again, other = (TEST_OUTLIERS[kind](np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.uint8
    assert first.ndim == 2
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("kind", [kind for kind in TEST_OUTLIERS if kind != "blank"])
def test_something_is_in_the_picture(kind):
    for seed in range(20):
        assert np.ptp(TEST_OUTLIERS[kind](np.random.default_rng(seed))) > 40


def test_letters_that_look_like_digits_are_left_out():
    assert not set("OoQIlSsZzBbGgqDiJ") & set(LETTERS)
    assert len(LETTERS) > 20


def test_outlines_lie_in_their_boxes():
    for outline in CLOTHES.values():
        assert np.array(outline).min() >= 0
        assert np.array(outline).max() <= 1


def test_nothing_of_a_data_set_or_of_training_goes_in():
    tree = ast.parse(Path(shapes.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in modules if module.startswith(("jaxdigits", "benchmarks.outliers"))}
