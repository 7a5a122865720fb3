"""What every test of a figure needs."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test opened: Matplotlib warns when more than 20 figures are open."""
    yield
    plt.close("all")
