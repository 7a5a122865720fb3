"""The package itself: cheap to import, and every public name there at its first use."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jaxdigits

LAZY = [name for name in jaxdigits.__all__ if name != "__version__"]


def modules_after(code):
    """Run code in a fresh interpreter; the names of the modules that it has imported."""
    shown = f"{code}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import jaxdigits",
        "import jaxdigits.core",
        "import jaxdigits.data",
        "from jaxdigits import JaxDigitsError, __version__",
        "import jaxdigits; dir(jaxdigits)",
    ],
)
def test_importing_is_cheap(code):
    heavy = {"jax", "flax", "optax", "sklearn", "numpy", "scipy", "matplotlib"}
    assert not heavy & modules_after(code)


@pytest.mark.parametrize("name", LAZY)
def test_every_public_name_resolves(name):
    value = getattr(jaxdigits, name)
    assert value.__name__ == name
    assert value.__doc__
    assert getattr(jaxdigits, name) is value


def test_dir_lists_every_public_name():
    assert set(jaxdigits.__all__) <= set(dir(jaxdigits))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'jaxdigits' has no attribute 'DigitClasifier'"):
        jaxdigits.DigitClasifier  # noqa: B018


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(jaxdigits.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("jaxdigits.")
        for alias in node.names
    }
    assert seen == jaxdigits._MODULES


def test_the_version_is_a_release_number():
    assert [part.isdigit() for part in jaxdigits.__version__.split(".")] == [True] * 3
