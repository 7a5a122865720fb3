"""The results in words."""

import pytest

from benchmarks.systems import ROWS
from benchmarks.table import describe_run, is_reached, make_page, summarize

(ANN,) = (row for row in ROWS if row.name == "ann-64")  # published: 96 %
(SOFTMAX,) = (row for row in ROWS if row.name == "linear-softmax")  # nothing published


def table_row(page):
    return [cell.strip() for cell in page.splitlines()[6].strip("|").split("|")]


def test_a_row_shows_mean_deviation_and_difference(make_results):
    cells = table_row(make_page(make_results(ANN, [0.97, 0.98])))
    assert cells[2:6] == ["95 to 96 %", "**97.50 ± 0.71 %**", "+1.50", "99.00 ± 0.00 %"]


def test_a_row_without_a_published_figure_has_no_difference(make_results):
    page = make_page(make_results(SOFTMAX, [0.92]))
    assert table_row(page)[2:5] == ["-", "**92.00 %**", "-"]
    assert "0 of 0 published figures" in page


@pytest.mark.parametrize(("accuracy", "reached"), [(0.9579, False), (0.958, True), (0.97, True)])
def test_a_figure_is_reached_within_two_tenths_of_a_point(make_results, accuracy, reached):
    results = make_results(ANN, [accuracy])
    assert is_reached(results["rows"]["ann-64"]) is reached
    assert f"{int(reached)} of 1 published figures" in make_page(results)


def test_the_page_names_where_its_figures_come_from(make_results):
    page = make_page(make_results(ANN, [0.97]))
    assert "Abacus, 2 cores, 24 GiB" in page
    assert "jax 0.10.2; commit abc" in page


def test_a_quick_page_warns(make_results):
    assert "figures mean nothing" in make_page(make_results(ANN.quick(), [0.97]))
    assert "figures mean nothing" not in make_page(make_results(ANN, [0.97]))


def test_lines_for_the_terminal(make_results, make_run):
    assert describe_run(make_run()) == "test 97.50 %, test loss 0.1000, train 99.00 %, 3.0 s"
    record = make_results(ANN, [0.97, 0.98])["rows"]["ann-64"]
    assert summarize(record) == "test 97.50 ± 0.71 %, published 95 to 96 %"
