"""What keras is measured at; skipped where it is not installed."""

import pytest

pytest.importorskip("keras", reason="needs keras, of requirements/bench.txt")

from benchmarks import run_keras


def test_a_fit_is_timed_and_scored(settings):
    found = run_keras.train({**settings, "network": "mlp", "backend": "jax", "warm": True})
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.5
