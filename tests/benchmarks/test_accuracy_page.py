import pytest

from benchmarks.accuracy_page import make_page, make_summary

RUN = {"accuracy": 0.99, "views": 0.992, "seconds": 10.0}
TESTED = {
    "recipe": {"model": "cnn", "augment": ["shift"]},
    "at_a_time": 1,
    "seeds": {"0": RUN, "1": {**RUN, "accuracy": 0.994, "seconds": 12.0}},
    "together": {"n": 2, "accuracy": 0.995, "views": 0.996},
}
MADE = {
    "environments": [{"machine": {"cores": 2, "processor": "a processor"}}],
    "recipe": {"model": "cnn", "augment": ["shift"]},
    "short": 4,
    "test": {"best": {**TESTED, "recipe": {"model": "deep_cnn"}, "at_a_time": 2}, "accurate": TESTED},
    "ablation": {"the recipe": {"0": RUN}, "no augmentation": {"0": {**RUN, "accuracy": 0.98}}},
    "ablation_together": {"ensemble of 1 seeds": 0.991},
    "budget": {"10": {"0": {"seconds": 10.5, "epochs": 2.0, "accuracy": 0.97}}},
}


def test_the_page_holds_means_spreads_and_differences():
    page = make_page(MADE)
    assert "| what | `accurate` | `best` |" in page
    assert "| one network, mean ± standard deviation of 2 seeds | 99.20 ± 0.28 % | 99.20 ± 0.28 % |" in page
    assert page.count("10 to 12 s a fit") == 2
    assert page.count("2 fits at a time") == 1
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
