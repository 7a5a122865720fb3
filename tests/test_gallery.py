"""The examples of the gallery: complete, alike in form, on public names alone, and, where time allows, run whole."""

import ast
import importlib
import re
import textwrap
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "examples"
EXAMPLES = [
    "plot_activations",
    "plot_confidence",
    "plot_ensemble",
    "plot_from_scratch",
    "plot_models",
    "plot_own_handwriting",
    "plot_pipeline",
    "plot_pixels_to_prediction",
    "plot_regularization",
    "plot_search",
    "plot_ten_sigmoids",
    "plot_what_it_looks_at",
]
every_example = pytest.mark.parametrize("name", EXAMPLES)


def read(name):
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


def words(source):
    """Return the text between the code, a blank line for each line of code."""
    return "\n".join(line[2:] if line.startswith("#") else "" for line in source.splitlines())


def solutions(source):
    """Return the code of each folded solution."""
    blocks = words(source).split(".. dropdown:: Solution\n")[1:]
    found = []
    for block in blocks:
        inside = re.match(r"(?:\n|   .*\n?)*", block).group()
        code = re.search(r"\.\. code-block:: python\n\n((?:\n| {7,}.*\n?)+)", inside)
        found.append(textwrap.dedent(code.group(1)) if code else "")
    return found


def imports(tree):
    """Yield module and name of everything that is imported from jaxdigits; the name is None for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "jaxdigits":
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name.split(".")[0] == "jaxdigits")


def test_no_example_is_missing_from_the_list():
    assert sorted(path.stem for path in FOLDER.glob("*.py")) == EXAMPLES


def test_the_gallery_has_a_header_with_a_title():
    first, second = (FOLDER / "GALLERY_HEADER.rst").read_text(encoding="utf-8").splitlines()[:2]
    assert first
    assert second == "=" * len(first)


@every_example
def test_an_example_begins_with_a_title_and_says_what_it_shows(name):
    title, line, blank, *rest = ast.get_docstring(ast.parse(read(name))).splitlines()
    assert line == "=" * len(title)
    assert not blank
    assert rest


def test_titles_differ():
    assert len({ast.get_docstring(ast.parse(read(name))).splitlines()[0] for name in EXAMPLES}) == len(EXAMPLES)


@every_example
def test_an_example_ends_with_two_exercises_with_folded_solutions(name):
    source = read(name)
    last = words(source).split("\nExercises\n---------\n")
    assert len(last) == 2, "one section of exercises"
    assert re.findall(r"^\*\*(\d)\. ", last[1], re.MULTILINE) == ["1", "2"]
    assert len(solutions(source)) == 2
    for code in solutions(source):
        assert ast.parse(code).body, "each solution has code"


@every_example
def test_examples_and_solutions_import_public_names_only(name):
    source = read(name)
    for code in (source, *solutions(source)):
        for module, imported in imports(ast.parse(code)):
            assert not any(part.startswith("_") for part in module.split("."))
            home = importlib.import_module(module)
            if imported is None:
                continue
            assert not imported.startswith("_")
            assert hasattr(home, imported) or importlib.import_module(f"{module}.{imported}")


@every_example
def test_code_stands_between_words(name):
    """A cell of more than 60 lines is one that nobody reads."""
    source = read(name)
    cells = source.split("\n# %%\n")
    longest = max(sum(bool(line) and not line.startswith("#") for line in cell.splitlines()) for cell in cells)
    assert longest <= 60


@pytest.mark.slow
@every_example
def test_an_example_and_its_solutions_run(name, monkeypatch, capsys):
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    monkeypatch.delenv("JAXDIGITS_DATA", raising=False)
    source = read(name)
    with mpl.rc_context({"backend": "agg", "figure.max_open_warning": 0}):
        names = {"__name__": "__main__"}
        exec(compile(source, f"{name}.py", "exec"), names)
        assert plt.get_fignums(), "it draws"
        assert capsys.readouterr().out, "it prints what it measures"
        for code in solutions(source):
            exec(compile(code, f"{name}.py, a solution", "exec"), dict(names))
        plt.close("all")
