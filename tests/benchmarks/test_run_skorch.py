"""What skorch is measured at; skipped where it is not installed."""

import pytest

pytest.importorskip("skorch", reason="needs skorch, of requirements/bench.txt")

from benchmarks import run_skorch


def test_a_fit_is_timed_and_scored(settings):
    found = run_skorch.train({**settings, "network": "mlp", "warm": True})
    assert found["epochs"] == 2
    assert found["accuracy"] > 0.5
