import json

import numpy as np
import pytest

from benchmarks import bench_accuracy
from benchmarks.accuracy_page import make_page, make_summary
from benchmarks.bench_accuracy import CHANGES, RECIPE, RESULTS, TESTED, main
from jaxdigits import DigitClassifier


def test_every_change_is_one_that_the_classifier_takes_and_that_changes_something():
    for changes in list(CHANGES.values())[1:]:
        DigitClassifier(**{**RECIPE, **changes})._validate_params()
        assert any(RECIPE.get(name) != value for name, value in changes.items())


def test_quick_figures_do_not_replace_the_real_ones(capsys):
    with pytest.raises(SystemExit):
        main(["--quick"])
    assert "--output" in capsys.readouterr().err


def test_without_figures_there_is_nothing_to_draw(tmp_path, capsys):
    assert main(["--draw", "--output", str(tmp_path)]) == 2
    assert "holds no figures yet" in capsys.readouterr().err


def test_what_was_trained_is_not_trained_again(tmp_path, monkeypatch, small_mnist):
    monkeypatch.setattr(bench_accuracy, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(bench_accuracy, "RECIPE", {"model": "linear", "augment": None, "max_epochs": 1})
    words = ["--quick", "--parts", "ablation", "--output", str(tmp_path)]
    assert main(words) == 0
    first = json.loads((tmp_path / "accuracy.json").read_text())
    assert list(first["ablation"]) == list(CHANGES)[:2]
    assert main(words) == 0
    assert json.loads((tmp_path / "accuracy.json").read_text()) == first
    assert main([*words, "--restart"]) == 0
    assert set(json.loads((tmp_path / "accuracy.json").read_text())["ablation"]) == set(first["ablation"])


def test_tested_recipes_are_trained_in_fresh_processes_and_judged_together(tmp_path, monkeypatch):
    asked = []

    def answer(kind, value, *_):
        asked.append((kind, value))
        right = np.eye(10)[[3, 5, 7, 9]]
        wrong = right[[1, 1, 2, 3]]
        return {"alone": wrong, "views": right, "labels": np.array([3, 5, 7, 9]), "seconds": np.float64(4.25)}

    monkeypatch.setattr(bench_accuracy, "_in_fresh_process", answer)
    words = ["--quick", "--parts", "test", "--output", str(tmp_path)]
    assert main(words) == 0
    assert set(asked) == {(name, "0") for name in TESTED}
    results = json.loads((tmp_path / "accuracy.json").read_text())
    assert results["test"]["best"]["seeds"]["0"] == {"accuracy": 0.75, "views": 1.0, "seconds": 4.2}
    assert results["test"]["best"]["together"] == {"n": 1, "accuracy": 0.75, "views": 1.0}
    asked.clear()
    assert main(words) == 0
    assert not asked
    monkeypatch.setitem(bench_accuracy.RECIPES, "best", {"model": "linear"})
    assert main(words) == 0
    assert {name for name, _ in asked} == {"best"}


def test_a_stopped_run_keeps_what_was_trained(tmp_path, monkeypatch):
    def answer(kind, *_):
        if kind == "accurate":
            raise KeyboardInterrupt
        asked.append(kind)
        return {"alone": np.eye(2), "views": np.eye(2), "labels": np.arange(2), "seconds": np.float64(1)}

    asked = []
    monkeypatch.setattr(bench_accuracy, "_in_fresh_process", answer)
    words = ["--quick", "--parts", "test", "--output", str(tmp_path)]
    assert main(words) == main(words) == 130
    assert asked == ["best"]


@pytest.mark.skipif(not (RESULTS / "accuracy.json").exists(), reason="benchmarks/results holds no accuracy.json")
def test_the_committed_results_make_the_committed_page():
    results = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    assert make_page(results) == (RESULTS / "accuracy.md").read_text(encoding="utf-8")
    assert make_summary(results) == (RESULTS / "accuracy-summary.md").read_text(encoding="utf-8")
    assert not results["quick"]
