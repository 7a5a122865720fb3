"""The benchmark of the published systems, from the command line."""

import ast
import importlib
import json
from pathlib import Path

import pytest

import jaxdigits
from benchmarks import published
from benchmarks.published import main, train_once
from benchmarks.systems import ROWS

FOLDER = Path(published.__file__).parent
# Files of models, and figures about them: modules of their own, reached by name as the core is.
REACHED_BY_MODULE = ("jaxdigits.calibration", "jaxdigits.lite", "jaxdigits.metrics", "jaxdigits.persistence")
PUBLIC_MODULES = ("jaxdigits.core", "jaxdigits.data", "jaxdigits.plotting", *REACHED_BY_MODULE)


pytestmark = pytest.mark.usefixtures("small_mnist")


@pytest.fixture
def quick(tmp_path):
    """Return a quick run of some rows into a scratch folder."""

    def run(*words, rows=("linear-softmax",)):
        return main(["--quick", "--output", str(tmp_path), "--rows", *rows, *words])

    return run


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr(published, "draw_pictures", lambda *_: [])


def imported_names(path):
    """Every name that a script takes from jaxdigits, with its module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jaxdigits":
            yield from ((node.module, alias.name) for alias in node.names)
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "jaxdigits")


def is_public(module, name):
    if module == "jaxdigits":
        return name in jaxdigits.__all__
    if not module.startswith(PUBLIC_MODULES) or "._" in module or name.startswith("_"):
        return False
    return name in getattr(importlib.import_module(module), "__all__", [name])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_benchmarks_use_public_names_only(path):
    assert not [(module, name) for module, name in imported_names(path) if not is_public(module, name)]


@pytest.mark.parametrize(
    ("module", "name", "public"),
    [
        ("jaxdigits", "DigitClassifier", True),
        ("jaxdigits", "estimator", False),
        ("jaxdigits.estimator", "DigitClassifier", False),
        ("jaxdigits.core.models", "_split", False),
        ("jaxdigits.plotting", "TrainingCurvesDisplay", True),
        ("jaxdigits.plotting", "style", False),
    ],
)
def test_public_and_private_names_are_told_apart(module, name, public):
    assert is_public(module, name) is public


def test_a_quick_run_writes_figures_table_and_pictures(quick, tmp_path, capsys):
    assert quick(rows=("linear-sigmoid", "from-scratch")) == 0
    results = json.loads((tmp_path / "published.json").read_text(encoding="utf-8"))
    assert list(results["rows"]) == ["from-scratch", "linear-sigmoid"]
    run = results["rows"]["linear-sigmoid"]["runs"][0]
    assert run["test_accuracy"] > 0.5
    assert sum(map(sum, run["confusion_matrix"])) == 297
    assert f"{100 * run['test_accuracy']:.2f} %" in (tmp_path / "published.md").read_text(encoding="utf-8")
    pictures = {path.name for path in (tmp_path / "published").iterdir()}
    assert pictures == {"comparison.png", "samples.png", "wishes.png", "from-scratch.png", "linear-sigmoid.png"}
    assert "training accuracy at iteration 50: " in capsys.readouterr().out


@pytest.mark.usefixtures("no_pictures")
def test_a_second_run_trains_only_what_is_missing(quick, tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(
        published, "train_once", lambda row, seed, **rest: trained.append(seed) or train_once(row, seed, **rest)
    )
    quick()
    table = (tmp_path / "published.md").read_text(encoding="utf-8")
    quick("--draw")
    assert (tmp_path / "published.md").read_text(encoding="utf-8") == table
    quick("--seeds", "2")
    assert trained == [0, 1]
    quick("--restart")
    assert trained == [0, 1, 0]


@pytest.mark.usefixtures("no_pictures")
def test_runs_of_other_settings_are_dropped(quick, tmp_path, capsys):
    quick()
    path = tmp_path / "published.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"epochs": 1,', '"epochs": 7,'), encoding="utf-8")
    quick()
    assert "settings have changed" in capsys.readouterr().out
    (run,) = json.loads(path.read_text(encoding="utf-8"))["rows"]["linear-softmax"]["runs"]
    assert run["curves"]["epoch"] == [1]


def test_a_stopped_run_keeps_the_seeds_that_were_done(quick, tmp_path, monkeypatch, capsys):
    def stop_at_the_second(row, seed, **rest):
        if seed == 1:
            raise KeyboardInterrupt
        return train_once(row, seed, **rest)

    monkeypatch.setattr(published, "train_once", stop_at_the_second)
    assert quick("--seeds", "3") == 130
    assert "same command again" in capsys.readouterr().err
    runs = json.loads((tmp_path / "published.json").read_text(encoding="utf-8"))["rows"]["linear-softmax"]["runs"]
    assert [run["seed"] for run in runs] == [0]


def test_the_same_seed_gives_the_same_figures():
    (row,) = (row.quick() for row in ROWS if row.name == "ann-64")
    first, second, other = (train_once(row, seed) for seed in (0, 0, 1))
    assert first["test_loss"] == second["test_loss"] != other["test_loss"]


def test_nothing_to_draw_is_said_in_one_line(tmp_path, capsys):
    assert main(["--draw", "--output", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_device_that_is_missing_is_said_in_one_line(quick, capsys):
    assert quick("--device", "tpu") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--quick"], ["--rows", "nothing"], ["--seeds", "0"]])
def test_wrong_options_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err
