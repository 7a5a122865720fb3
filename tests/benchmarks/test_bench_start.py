"""The question of imports and objects."""

from benchmarks.bench_start import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
