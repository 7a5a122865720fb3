import json

import pytest

from benchmarks import bench_accuracy
from benchmarks.bench_accuracy import CHANGES, RECIPE, RESULTS, main, make_page, make_summary
from jaxdigits import DigitClassifier

RUN = {"accuracy": 0.99, "views": 0.992, "seconds": 10.0}
MADE = {
    "environments": [{"machine": {"cores": 2, "processor": "a processor"}}],
    "recipe": {"model": "cnn", "augment": ["shift"]},
    "short": 4,
    "test": {
        "seeds": {"0": RUN, "1": {**RUN, "accuracy": 0.994, "seconds": 12.0}},
        "together": {"n": 2, "accuracy": 0.995, "views": 0.996},
    },
    "ablation": {"the recipe": {"0": RUN}, "no augmentation": {"0": {**RUN, "accuracy": 0.98}}},
    "ablation_together": {"ensemble of 1 seeds": 0.991},
    "budget": {"10": {"0": {"seconds": 10.5, "epochs": 2.0, "accuracy": 0.97}}},
}


def test_the_page_holds_means_spreads_and_differences():
    page = make_page(MADE)
    assert "99.20 ± 0.28 %" in page
    assert "10 to 12 s a fit" in page
    assert "| no augmentation | 98.00 % | -1.00 |" in page
    assert "| the recipe, over 9 views of each image | 99.20 % | +0.20 |" in page
    assert "| ensemble of 1 seeds | 99.10 % | +0.10 |" in page
    assert "| 10 s | 10.5 s | +5 % | 2.0 | 97.00 % |" in page
    assert "augment=('shift',)" in page


@pytest.mark.parametrize("part", ["test", "ablation", "budget"])
def test_a_page_may_lack_a_part(part):
    assert make_page(MADE).startswith(make_summary(MADE))
    rest = {name: value for name, value in MADE.items() if name != part}
    assert make_page(rest) != make_page(MADE)


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


@pytest.mark.skipif(not (RESULTS / "accuracy.json").exists(), reason="benchmarks/results holds no accuracy.json")
def test_the_committed_results_make_the_committed_page():
    results = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    assert make_page(results) == (RESULTS / "accuracy.md").read_text(encoding="utf-8")
    assert make_summary(results) == (RESULTS / "accuracy-summary.md").read_text(encoding="utf-8")
    assert not results["quick"]
