"""What the documentation promises: a page for every public name, docstrings that are true, no page that is lost."""

import importlib.util
import inspect
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from jaxdigits.cli import COMMANDS, make_parser

TOP_FOLDER = Path(__file__).parents[1]
DOCS = TOP_FOLDER / "docs"
pytest.importorskip("sphinx", reason="the extra docs is not installed; make check builds the documentation with it")
pytest.importorskip("numpydoc", reason="the extra docs is not installed; make check builds the documentation with it")


def load_extension(name):
    """Load one of the documentation's own extensions, which live outside of any package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, DOCS / "_extensions" / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


contract = load_extension("contract")
LISTED = [(page, module) for page in ("index", "inside") for module in contract.listed_modules(page)]
PAGES = sorted(
    path
    for path in DOCS.rglob("*.rst")
    if path.relative_to(DOCS).parts[0] not in ("_build", "_templates", "auto_examples", "examples", "generated")
)


def test_every_module_stands_in_the_reference_once():
    modules = [module for _, module in LISTED]
    assert len(modules) == len(set(modules))
    assert set(modules) == contract.all_modules()


def test_the_page_of_the_inside_names_every_module_that_is_not_public():
    rows = contract.MODULE.findall(contract.inside_page())
    assert sorted(rows) == contract.listed_modules("inside")


def test_the_top_level_names_are_those_of_the_package():
    import jaxdigits

    assert set(contract.public_names("jaxdigits")) == set(jaxdigits.__all__) - {"__version__"}


@pytest.mark.parametrize(("page", "module"), LISTED, ids=[module for _, module in LISTED])
def test_docstrings_say_what_is_asked_of_them(page, module):
    names = list(contract.public_objects(module))
    broken = [
        sentence for name, value in names for sentence in contract.broken_promises(name, value, full=page == "index")
    ]
    assert not broken, "\n".join(broken)


def stated(default):
    def function(a=1, b="x"):
        pass

    function.__doc__ = f"Do.\n\n    Parameters\n    ----------\n    a : int, default={default}\n        Any.\n    "
    return function


@pytest.mark.parametrize(("default", "n_broken"), [("1", 0), ("2", 1), ("'1'", 1), ("None", 1)])
def test_a_default_that_differs_from_the_signature_is_told(default, n_broken):
    assert len(contract.differing_defaults("jaxdigits.errors.function", stated(default))) == n_broken


def test_defaults_may_be_names_and_have_units():
    from jaxdigits.data import mnist
    from jaxdigits.serve.limits import Limits

    assert not contract.differing_defaults("jaxdigits.serve.limits.Limits", Limits)
    assert not contract.differing_defaults("jaxdigits.data.mnist.fetch_mnist", mnist.fetch_mnist)


def test_a_docstring_without_sections_is_told(monkeypatch):
    from jaxdigits import metrics

    def auroc(scores_negative, scores_positive):
        """Tell."""
        return scores_negative, scores_positive

    monkeypatch.setattr(metrics, "auroc", auroc)
    said = " ".join(contract.broken_promises("jaxdigits.metrics.auroc", auroc, full=True))
    assert "not documented" in said
    assert "Returns" in said
    assert "examples" in said
    assert not contract.broken_promises("jaxdigits.metrics.auroc", auroc, full=False)


def test_parameters_that_do_not_exist_are_told(monkeypatch):
    from jaxdigits import metrics

    def auroc(a):
        """Tell.

        Parameters
        ----------
        b : int
            There is none.
        """
        return a

    monkeypatch.setattr(metrics, "auroc", auroc)
    assert any("b" in sentence for sentence in contract.broken_promises("jaxdigits.metrics.auroc", auroc, full=False))


def toctree_entries(path):
    """Pages that the toctrees of a page name, as paths."""
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^\.\. toctree::\n((?:[ \t]+.*\n|\n)+)", text + "\n", re.MULTILINE):
        for line in block.splitlines():
            entry = line.strip()
            if entry and not entry.startswith(":"):
                base = DOCS if entry.startswith("/") else path.parent
                yield base / f"{entry.lstrip('/')}.rst"


def test_every_page_is_reached_from_the_landing_page():
    reached, waiting = set(), [DOCS / "index.rst"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.exists():
            reached.add(page)
            waiting += toctree_entries(page)
    assert {str(page.relative_to(DOCS)) for page in set(PAGES) - reached} == set()


def test_toctrees_name_pages_that_are_there():
    named = {entry for page in PAGES for entry in toctree_entries(page)} - {
        DOCS / generated / page for generated, page in (("auto_examples", "index.rst"), ("generated", "inside.rst"))
    }
    assert [str(entry) for entry in named if not entry.exists()] == []


def shown_commands():
    """Command lines of `jaxdigits` on the pages and in the README, without the remarks behind them."""
    found = set()
    for page in PAGES:
        found |= set(re.findall(r"^   \$ jaxdigits (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE))
    readme = (TOP_FOLDER / "README.md").read_text(encoding="utf-8")
    return sorted(found | set(re.findall(r"^jaxdigits (\w+ .*)$", readme, re.MULTILINE)))


@pytest.mark.parametrize("line", shown_commands())
def test_the_commands_that_are_shown_exist(line):
    words = shlex.split(line, comments=True)
    assert make_parser(COMMANDS).parse_args(words).command == words[0]


def test_every_command_has_its_help_in_the_guide():
    shown = re.findall(r"^\.\. command:: (\w+)$", (DOCS / "guide" / "commands.rst").read_text(encoding="utf-8"), re.M)
    assert set(shown) == set(COMMANDS) - {"completion"}


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build one page with the directives of this project; `results/` is where the results are looked for."""
    from sphinx.application import Sphinx

    results = load_extension("results")
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    (tmp_path / "docs").mkdir()

    def build_page(text):
        (tmp_path / "docs" / "index.rst").write_text(f"Title\n=====\n\n{text}\n", encoding="utf-8")
        overrides = {"extensions": ["myst_parser", "results"], "html_theme": "basic"}
        folders = (tmp_path / "docs", None, tmp_path / "html", tmp_path / "trees")
        app = Sphinx(*folders, "html", overrides, status=None, warning=None, freshenv=True)
        app.build()
        return (tmp_path / "html" / "index.html").read_text(encoding="utf-8")

    return build_page


def test_results_are_shown_without_their_title_and_in_a_frame(build, tmp_path):
    (tmp_path / "results" / "speed.md").write_text(
        "# Old title\n\n| a | b |\n|---|--:|\n| 1 | 2.5 s |\n", encoding="utf-8"
    )
    page = build(".. results:: speed")
    assert "2.5 s" in page
    assert "Old title" not in page
    assert re.search(r'class="wide[^"]*"[^>]*>\s*<table', page)


def test_results_that_are_not_there_say_what_measures_them(build):
    page = build(".. results:: speed\n   :measured-by: python -m benchmarks.speed")
    assert "Not measured yet" in page
    assert "python -m benchmarks.speed" in re.sub(r"<[^>]*>", "", page)


def test_solutions_are_folded_in_notebooks(tmp_path):
    """What sphinx-gallery makes of the directive, and what is made of that."""
    pytest.importorskip("sphinx_gallery", reason="the extra docs is not installed")
    from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
    from sphinx_gallery.notebook import jupyter_notebook, save_notebook
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    notebooks = load_extension("notebooks")
    example = DOCS / "examples" / "plot_activations.py"
    _, blocks = split_code_and_text_blocks(str(example))
    notebook = jupyter_notebook(blocks, DEFAULT_GALLERY_CONF, str(example.parent))
    save_notebook(notebook, tmp_path / "plot_activations.ipynb")
    for _ in range(2):  # the second time, there is nothing left to fold
        notebooks.fold_notebooks(tmp_path)
        cells = json.loads((tmp_path / "plot_activations.ipynb").read_text(encoding="utf-8"))["cells"]
        last = "".join(cells[-1]["source"])
        assert "dropdown" not in last
        solutions = re.findall(r"<details><summary>Solution</summary>\n\n(.*?)\n</details>", last, re.DOTALL)
        assert len(solutions) == 2
        assert all(re.match(r"```python\n.*\n```\n\n\w", solution, re.DOTALL) for solution in solutions)
        assert "\n**2. " in re.sub(r"<details>.*?</details>", "", last, flags=re.DOTALL)


def test_folding_leaves_other_words_alone():
    fold = load_extension("notebooks").fold
    text = "Words.\n\n```python\nx = 1\n```\n   indented\n"
    assert fold(text) == text.rstrip("\n")
    assert fold(".. dropdown:: Solution\n\n   Yes.\n") == "<details><summary>Solution</summary>\n\nYes.\n</details>"


def test_no_page_needs_another_host():
    text = (DOCS / "conf.py").read_text(encoding="utf-8")
    assert "intersphinx" not in text
    assert not re.findall(r"https?://", text + "".join(path.read_text() for path in (DOCS / "_static").glob("*.css")))
    assert inspect.ismodule(load_extension("mathml"))
