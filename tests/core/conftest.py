"""Samples, programs and helpers that the tests of the core share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

# Bit-identity is promised on a CPU, and device="gpu" must be missing wherever these tests run.
os.environ.setdefault("JAX_PLATFORMS", "cpu")


class Digits(NamedTuple):
    """The 1,797 real digits: rows of 64 pixels from 0 to 16, shuffled since writers come in blocks."""

    rows: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="session")
def digits() -> Digits:
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    return Digits(rows[order].astype(np.uint8), labels[order])


@pytest.fixture(scope="session")
def run_python(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run a script in a fresh process, warnings as errors, and return what it printed."""

    def run(script: str, *arguments: str, **environment: str) -> str:
        folder = tmp_path_factory.mktemp("script")
        path = folder / "script.py"
        path.write_text(script)
        finished = subprocess.run(
            [sys.executable, "-W", "error", str(path), *arguments],
            cwd=Path(__file__).parents[2],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run
