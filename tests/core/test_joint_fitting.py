import os

import numpy as np
import pytest

from jaxdigits import DigitClassifier
from jaxdigits.core import joint_fitting, training
from jaxdigits.core.joint_fitting import count_threads, deal, group, reason_to_train_alone, run, run_alone
from jaxdigits.core.tasks import Labeled, prepare

ASKED = {
    **DigitClassifier().get_params(),
    **{"model": "mlp", "hidden_sizes": (8,), "max_epochs": 2, "batch_size": 32, "optimizer": "adam"},
}


@pytest.fixture(scope="module")
def folds(digits):
    """Two training sets of different sizes."""
    return [
        Labeled(digits.rows[:90], digits.labels[:90], None),
        Labeled(digits.rows[90:200], digits.labels[90:200], None),
    ]


def make_task(samples, seed=0, validation=None, **asked):
    return prepare(samples, {**ASKED, **asked}, n_classes=10, seed=seed, validation=validation)


def assert_same_fit(one, other):
    assert len(one.history) == len(other.history)
    assert one.best_epoch == other.best_epoch
    assert one.ending == other.ending
    for name, array in one.state.params.items():
        np.testing.assert_allclose(array, np.asarray(other.state.params[name]), rtol=0, atol=2e-5)
    for mine, others in zip(one.history, other.history, strict=True):
        assert mine["loss"] == pytest.approx(others["loss"], rel=1e-4)
        assert mine["learning_rate"] == pytest.approx(others["learning_rate"])


def test_folds_rates_seeds_and_lengths_train_together_as_they_do_alone(folds):
    settings = [{"learning_rate": 1e-3}, {"learning_rate": 1e-2, "max_epochs": 3}, {"seed": 5, "weight_decay": 0.1}]
    tasks = [make_task(fold, **each) for fold in folds for each in settings]
    (positions,) = group(tasks)
    together = dict(zip(positions, run([tasks[position] for position in positions]), strict=True))
    for position, task in enumerate(tasks):
        assert_same_fit(together[position], run_alone(task))


def test_members_stop_early_when_they_would_alone(digits, folds):
    validation = Labeled(digits.rows[200:240], digits.labels[200:240], None)
    stopping = {"early_stopping": True, "patience": 1, "max_epochs": 8, "validation": validation}
    tasks = [make_task(folds[0], learning_rate=rate, **stopping) for rate in (1e-5, 0.3, 1e-2)]
    together = run(tasks)
    assert len({len(fit.history) for fit in together}) > 1
    for fit, task in zip(together, tasks, strict=True):
        assert_same_fit(fit, run_alone(task))
        assert fit.history[-1]["validation_accuracy"] is not None


def test_one_that_diverges_is_trained_again_alone_and_spoils_no_other(folds):
    rates = (1e-3, 3e38)
    good, bad = run([make_task(folds[0], learning_rate=rate, optimizer="sgd") for rate in rates])
    assert good.ending == "finished"
    assert bad.ending == "diverged"
    assert not bad.history


def test_weights_of_samples_are_each_members_own(folds):
    weights = np.linspace(0.5, 1.5, 90).astype(np.float32)
    tasks = [make_task(folds[0]), make_task(folds[0]._replace(weights=weights))]
    for fit, task in zip(run(tasks), tasks, strict=True):
        assert_same_fit(fit, run_alone(task))


@pytest.mark.parametrize(
    "other",
    [{"batch_size": 16}, {"optimizer": "sgd"}, {"hidden_sizes": (9,)}, {"dropout": 0.5}, {"schedule": "cosine"}],
)
def test_what_needs_a_program_of_its_own_is_a_group_of_its_own(folds, other):
    tasks = [make_task(folds[0]), make_task(folds[0], **other), make_task(folds[1], learning_rate=0.5)]
    assert group(tasks) == [[0, 2], [1]]


def no_model(*_):
    raise AssertionError("never called")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"max_seconds": 5.0}, "max_seconds"),
        ({"model": no_model}, "model is a user's"),
        ({"optimizer": no_model}, "optimizer is a user's"),
        ({"augment": (no_model,)}, "augmentation is a user's"),
        ({"model": "cnn"}, "one after another"),
    ],
)
def test_who_trains_alone_is_told_why(folds, asked, words):
    assert words in reason_to_train_alone(make_task(folds[0], **asked))
    assert reason_to_train_alone(make_task(folds[0])) is None


def test_chunks_share_a_size_and_keep_every_thread_busy(folds):
    tasks = [make_task(folds[index % 2], seed=index) for index in range(7)]
    chunks = deal(tasks, 2)
    assert [len(chunk.tasks) for chunk in chunks] == [4, 3]
    assert {chunk.size for chunk in chunks} == {4}
    assert len(deal(tasks[:1], 2)) == 1


def test_a_small_machine_trains_one_chunk_at_a_time(folds, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert count_threads(make_task(folds[0])) == 1


def test_what_is_compiled_ahead_is_what_a_fit_wants(folds):
    task = make_task(folds[0], hidden_sizes=(7,))
    joint_fitting.compile_alone(task, 110)
    before = training.compile_count()
    run_alone(make_task(folds[1], hidden_sizes=(7,)))
    assert training.compile_count() == before


def test_done_tasks_are_counted(folds):
    counts = []
    run([make_task(folds[0], seed=seed) for seed in range(4)], on_done=counts.append)
    assert sum(counts) == 4
