"""Fixtures that several tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """Folder of the four IDX files of MNIST, in the folder that JAXDIGITS_DATA names."""
    data = os.environ.get("JAXDIGITS_DATA")
    if not data:
        pytest.skip("needs MNIST: set JAXDIGITS_DATA to a folder that holds mnist/")
    folder = Path(data) / "mnist"
    if not folder.is_dir():
        pytest.fail(f"JAXDIGITS_DATA is {data}, which holds no folder mnist")
    return folder
