"""The question of many images."""

from benchmarks.bench_many_images import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
