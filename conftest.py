"""What holds for every test and doctest, wherever it stands."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["MPLBACKEND"] = "Agg"  # before anything imports Matplotlib: figures are drawn, never shown


@pytest.fixture(autouse=True)
def _examples_write_to_a_scratch_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Run the examples of docstrings and of the README where the files that they save do no harm."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path)
    yield
    # Matplotlib warns when more than 20 figures are open.
    if isinstance(request.node, pytest.DoctestItem) and "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
