"""What every test of a figure needs."""

from collections.abc import Iterator
from typing import NamedTuple

import matplotlib.ft2font
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_digits

BASELINE_FREETYPE = "2.14.3"  # Matplotlib 3.11's; it drew the pictures in baseline/

# Root mean square over all pixels, 0 to 255. Text alone differs by up to 22 between the FreeTypes of Matplotlib 3.9 and
# 3.11, and not at all within one.
SAME_TEXT, OTHER_TEXT = 4, 28


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare figures as closely as the version of FreeType allows."""
    same = matplotlib.ft2font.__freetype_version__ == BASELINE_FREETYPE
    for item in items:
        compared = item.get_closest_marker("mpl_image_compare")
        if compared is not None:
            compared.kwargs.setdefault("tolerance", SAME_TEXT if same else OTHER_TEXT)


class Reading(NamedTuple):
    """Real digits and what a poor classifier made of them: the same in every run, with no training."""

    X: np.ndarray
    y: np.ndarray
    probabilities: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)


@pytest.fixture(scope="session")
def reading() -> Reading:
    X, y = load_digits(return_X_y=True)
    X, y = X[:600].reshape(-1, 8, 8), y[:600]
    # The nearest mean image, in numbers that are whole, so that no library rounds them differently.
    means = np.array([np.rint(X[y == digit].mean(axis=0)) for digit in range(10)])
    distances = ((X[:, None] - means) ** 2).sum(axis=(2, 3))
    shares = np.exp(-(distances - distances.min(axis=1, keepdims=True)) / 120.0)
    return Reading(X, y, shares / shares.sum(axis=1, keepdims=True))


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test opened: Matplotlib warns when more than 20 figures are open."""
    yield
    plt.close("all")
