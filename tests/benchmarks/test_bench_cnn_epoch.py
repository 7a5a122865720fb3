"""The question of epoch of a convolutional network."""

from benchmarks.bench_cnn_epoch import QUESTION


def test_the_question_names_what_exists(check_question):
    check_question(QUESTION)


def test_everyone_sees_as_many_images():
    assert not any(set(each.settings) & {"n_images", "epochs", "batch_size"} for each in QUESTION.variants)
    assert QUESTION.measures[1].factor * QUESTION.settings["n_images"] == 60_000
