"""What jaxdigits is measured at."""

import os

import pytest

from benchmarks import run_jaxdigits
from benchmarks.run_jaxdigits import (
    predict_images,
    predict_images_lite,
    predict_row,
    prepare_model,
    search,
    search_twice,
    train,
)


def test_a_warm_fit_compiles_nothing_in_the_measured_part(settings):
    found = train({**settings, "model_name": "mlp", "warm": True})
    assert found["compiled"] == 0
    assert found["epochs"] == 2
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.5


def test_a_model_is_prepared_and_predicts_the_same_in_numpy(settings):
    settings = {**settings, "model_name": "mlp"}
    made = prepare_model(settings)
    found = [measure(settings) for measure in (predict_images, predict_images_lite)]
    assert [each["accuracy"] for each in found] == [made["accuracy"]] * 2
    assert len(found[0]["calls"]) == 20


def test_single_rows_are_timed(settings):
    found = predict_row({**settings, "model_name": "mlp", "epochs": 10})
    assert 0 < found["p50_us"] <= found["p99_us"]
    assert found["accuracy"] > 0.8


@pytest.mark.parametrize("crowded", [False, True])
def test_a_search_is_made_and_timed_twice_with_a_thread_for_every_core_only_if_asked(monkeypatch, crowded):
    monkeypatch.setenv("NPROC", "untouched")
    seen = []
    monkeypatch.setattr(run_jaxdigits, "search", lambda _: seen.append(os.environ["NPROC"]) or {"epochs": len(seen)})
    found = search_twice({"crowded": crowded})
    assert seen == [str(os.cpu_count()) if crowded else "untouched"] * 2
    assert found["epochs"] == 2
    assert min(found["first_seconds"], found["again_seconds"]) > 0


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_search_counts_its_epochs(settings, vectorized):
    grid = {"learning_rates": (1e-3,), "decays": (0.0, 0.01), "epochs": 2, "n_folds": 2, "n_samples": 300}
    found = search({**settings, "grid": grid, "vectorized": vectorized, "n_jobs": None})
    if "missing" in found:
        assert vectorized
        return
    assert (found["epochs"], found["candidates"]) == (2, 2)
    assert 0 < found["accuracy"] <= 1
