"""The recipe of the race to 99 %."""

import pytest

from benchmarks.recipe import train

SMALL = {"channels": (4, 8), "max_epochs": 3, "batch_size": 32}


@pytest.mark.parametrize("warm", [True, False])
def test_the_recipe_trains(settings, warm):
    found = train({**settings, "recipe": SMALL, "warm": warm})
    assert found["epochs"] == 3
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.5
    assert found["compiled"] == 0 or not warm
