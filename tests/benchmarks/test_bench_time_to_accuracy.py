"""The question of time to 99 %."""

from benchmarks.bench_time_to_accuracy import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)


def test_a_mean_of_ten_seeds_must_reach_99_percent():
    assert QUESTION.gate == 0.99
    assert QUESTION.gate_on_mean
    assert QUESTION.variants[0].rounds == 10
