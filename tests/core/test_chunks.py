import threading

import jax
import numpy as np
import pytest

from jaxdigits import DigitClassifier
from jaxdigits.core import fitting
from jaxdigits.core.chunks import Chunk
from jaxdigits.core.tasks import Labeled, prepare

ASKED = {
    **DigitClassifier().get_params(),
    **{"model": "mlp", "hidden_sizes": (8,), "max_epochs": 3, "batch_size": 32, "optimizer": "adam"},
}


@pytest.fixture(scope="module")
def tasks(digits):
    samples = Labeled(digits.rows[:90], digits.labels[:90], None)
    return [prepare(samples, ASKED, n_classes=10, seed=seed) for seed in range(2)]


def test_copies_that_fill_up_are_frozen_and_not_handed_back(tasks):
    chunk = Chunk(tasks, 3, n_tables=1, freezes=True)
    assert chunk.running.tolist() == [True, True, False]
    chunk.train(threading.Event())
    fits = chunk.close()
    assert [len(fit.history) for fit in fits] == [3, 3]
    assert {fit.ending for fit in fits} == {"finished"}


def test_everyone_is_told_of_every_epoch_and_may_stop(tasks):
    told = []

    def listen(records):
        told.append([record["epoch"] for record in records])
        return len(told) == 2

    chunk = Chunk(tasks, 2, n_tables=1, freezes=False)
    chunk.train(threading.Event(), listen)
    assert told == [[1, 1], [2, 2]]
    assert [fit.ending for fit in chunk.close()] == ["finished"] * 2


def test_a_chunk_that_is_stopped_hands_back_what_it_has(tasks):
    chunk, stop = Chunk(tasks, 2, n_tables=1, freezes=False), threading.Event()
    chunk.train(stop, lambda _: stop.set())
    fits = chunk.close("interrupted")
    assert [(len(fit.history), fit.best_epoch, fit.ending) for fit in fits] == [(1, 1, "interrupted")] * 2
    assert np.isfinite(fits[0].state.params["layers.1.kernel"]).all()


def test_a_chunk_that_never_set_out_hands_back_no_history(tasks):
    assert [fit.history for fit in Chunk(tasks, 2, n_tables=1, freezes=False).close("interrupted")] == [[], []]


def test_an_epoch_in_many_calls_compiles_nothing_that_setting_out_has_not(tasks, monkeypatch):
    compiled = []

    def listen(event, *_, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    monkeypatch.setattr(fitting, "FIRST_CALL_STEPS", 1)
    chunk = Chunk(tasks, 2, n_tables=1, freezes=False)
    chunk.set_out()
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        chunk.train(threading.Event())
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert len(chunk.close()[0].history) == 3
    assert compiled == []
