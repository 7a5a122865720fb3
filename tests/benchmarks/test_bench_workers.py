"""The question of worker processes."""

from benchmarks.bench_workers import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
