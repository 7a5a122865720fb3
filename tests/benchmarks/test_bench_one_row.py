"""The question of single rows."""

from benchmarks.bench_one_row import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
