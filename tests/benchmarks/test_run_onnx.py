"""What onnx is measured at; skipped where it is not installed."""

import pytest

from benchmarks.run_jaxdigits import prepare_model

pytest.importorskip("onnxruntime", reason="needs onnxruntime, of requirements/bench.txt")

from benchmarks import run_onnx


def test_our_weights_predict_the_same(settings):
    cnn = {"model_name": "cnn", "channels": [32, 64], "hidden_sizes": [128]}
    made = prepare_model({**settings, **cnn})
    found = run_onnx.predict_images({**settings, "n_calls": 2})
    assert found["accuracy"] == pytest.approx(made["accuracy"], abs=0.004)
