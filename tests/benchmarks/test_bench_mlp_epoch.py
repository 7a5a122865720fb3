"""The question of epoch of a perceptron."""

from benchmarks.bench_mlp_epoch import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)


def test_everyone_trains_in_the_same_way():
    own = [set(each.settings) & {"batch_size", "hidden_sizes"} for each in QUESTION.variants]
    assert not any(own)
    assert QUESTION.settings["warm"]
