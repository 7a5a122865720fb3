"""The question of perceptron from the shell."""

from benchmarks.bench_cold_mlp import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
