"""The question of growth of cost."""

from benchmarks.bench_scaling import QUESTION, SIZES


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)


def test_every_size_has_a_row():
    assert len(QUESTION.variants) == 1 + sum(map(len, SIZES.values()))
