"""The question of grid search."""

from benchmarks.bench_grid_search import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
