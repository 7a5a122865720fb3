"""The question of memory and size."""

from benchmarks.bench_footprint import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
