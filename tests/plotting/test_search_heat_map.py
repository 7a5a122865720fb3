"""Tests of jaxdigits.plotting.search_heat_map."""

from itertools import product
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle

from jaxdigits.errors import InputError
from jaxdigits.plotting import SearchHeatMapDisplay

RATES, SIZES, OPTIMIZERS = (0.1, 0.001, 0.01), (32, 128), ("sgd", "adam")
GRID = list(product(RATES, SIZES, OPTIMIZERS))
RESULTS = {
    "mean_fit_time": np.ones(12),
    "param_rate": np.ma.array([rate for rate, _, _ in GRID]),
    "param_size": np.ma.array([size for _, size, _ in GRID]),
    "param_optimizer": np.ma.array([name for _, _, name in GRID], dtype=object),
    "mean_test_score": 0.7 + np.arange(12) / 50,
}


def make_display(**options):
    return SearchHeatMapDisplay.from_results(RESULTS, **options)


def test_the_parameters_with_the_most_values_are_the_axes_and_numbers_are_sorted():
    display = make_display()
    assert (display.x, display.y) == ("rate", "size")
    assert display.x_values == [0.001, 0.01, 0.1]
    assert display.y_values == [32, 128]
    assert display.over == ["optimizer"]


def test_each_cell_is_the_best_over_the_others():
    np.testing.assert_allclose(make_display().scores, 0.7 + np.array([[5, 9, 1], [7, 11, 3]]) / 50)


def test_other_parameters_can_be_held_fixed():
    display = make_display(fixed={"optimizer": "sgd"})
    np.testing.assert_allclose(display.scores, 0.7 + np.array([[4, 8, 0], [6, 10, 2]]) / 50)
    assert display.over == []
    assert "at optimizer=sgd" in display.ax_.get_title()


def test_axes_can_be_chosen():
    display = make_display(x="optimizer", y="rate")
    assert display.x_values == ["sgd", "adam"]
    assert display.scores.shape == (3, 2)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["0.001", "0.01", "0.1"]


def test_numbers_are_written_and_the_best_has_a_frame():
    display = make_display()
    assert display.text_[1, 1].get_text() == "0.920"
    assert display.text_[1, 1].get_fontweight() == "bold"
    (frame,) = [patch for patch in display.ax_.patches if isinstance(patch, Rectangle)]
    assert (frame.get_x() + frame.get_width() / 2, frame.get_y() + frame.get_height() / 2) == pytest.approx((1, 1))
    assert display.ax_.get_title().startswith("best 0.920: rate=0.01, size=128")


def test_what_failed_or_was_not_tried_is_left_blank():
    results = {"param_a": [1, 2, 1], "param_b": [1, 2, 2], "mean_test_score": [0.5, np.nan, 0.6]}
    display = SearchHeatMapDisplay.from_results(results)
    assert np.isnan(display.scores).tolist() == [[False, True], [False, True]]
    assert display.text_[0, 1].get_text() == "\N{EN DASH}"
    all_failed = SearchHeatMapDisplay.from_results(results | {"mean_test_score": [np.nan] * 3})
    all_failed.figure_.canvas.draw()


def test_one_parameter_makes_one_row():
    display = SearchHeatMapDisplay.from_results({"param_sizes": [(64,), (64, 32)], "mean_test_score": [0.5, 0.6]})
    assert (display.y, display.scores.shape) == ("", (1, 2))
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["64", "64-32"]


def test_any_search_will_do():
    assert SearchHeatMapDisplay.from_estimator(SimpleNamespace(cv_results_=RESULTS)).scores.shape == (2, 3)
    with pytest.raises(InputError, match="Call fit first"):
        SearchHeatMapDisplay.from_estimator(SimpleNamespace())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": "depth"}, "got depth. Use rate, size, optimizer"),
        ({"score": "score"}, "Use one of mean_fit_time, mean_test_score"),
        ({"fixed": {"optimizer": "muon"}}, "Those tried: optimizer: sgd, adam"),
        ({"x": "rate", "y": "rate"}, "'rate' twice"),
        ({"fixed": {"optimizer": "sgd", "rate": 0.1, "size": 32}}, "two values or more"),
    ],
)
def test_what_makes_no_map_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        make_display(**options)


def test_results_without_parameters_are_refused():
    with pytest.raises(InputError, match="results without any"):
        SearchHeatMapDisplay.from_results({"mean_test_score": [0.5]})


@pytest.mark.mpl_image_compare
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_search_heat_map_looks_as_it_did(style):
    with plt.style.context(style):
        return make_display(ax=plt.subplots()[1]).figure_
