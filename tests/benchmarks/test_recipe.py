"""The recipe of the race to 99 %."""

import pytest

from benchmarks import recipe, samples
from benchmarks.recipe import CANDIDATES, RECIPE, main, train

SMALL = {"features": (4, 8), "epochs": 3, "batch_size": 32}


@pytest.mark.parametrize("warm", [True, False])
def test_the_recipe_trains(settings, warm):
    found = train({**settings, "recipe": SMALL, "warm": warm})
    assert found["epochs"] == 3
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.5


def test_the_recipe_is_one_of_the_candidates():
    assert RECIPE in CANDIDATES.values()


def test_candidates_are_judged_on_training_images(small_mnist, monkeypatch, capsys):
    monkeypatch.setitem(recipe.CANDIDATES, "3 epochs", recipe.Recipe(**SMALL))
    monkeypatch.setattr(samples, "load_test_images", lambda: pytest.fail("the test images were looked at"))
    assert len(small_mnist[0]) == 1500
    assert main(["--seeds", "1", "--held-out", "500", "--candidates", "3 epochs"]) == 0
    assert capsys.readouterr().out.startswith("3 epochs: ")
