"""What torch is measured at; skipped where it is not installed."""

import pytest

from benchmarks.run_jaxdigits import prepare_model

pytest.importorskip("torch", reason="needs torch, of requirements/bench.txt")

from benchmarks import run_torch


def test_a_fit_is_timed_and_scored(settings):
    found = run_torch.train({**settings, "network": "mlp", "warm": True})
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.5


@pytest.mark.parametrize("channels_last", [True, False])
def test_our_weights_predict_the_same(settings, channels_last):
    cnn = {"model_name": "cnn", "channels": [32, 64], "hidden_sizes": [128]}
    made = prepare_model({**settings, **cnn})
    found = run_torch.predict_images({**settings, "n_calls": 2, "channels_last": channels_last})
    assert found["accuracy"] == pytest.approx(made["accuracy"], abs=0.004)
