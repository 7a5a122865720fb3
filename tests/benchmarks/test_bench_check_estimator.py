"""The question of scikit-learn's checks."""

from benchmarks.bench_check_estimator import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)
