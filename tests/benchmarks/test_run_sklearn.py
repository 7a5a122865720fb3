"""What scikit-learn is measured at."""

import pytest

from benchmarks.run_sklearn import predict_row, train


@pytest.mark.parametrize("warm", [True, False])
def test_a_fit_is_timed_and_scored(settings, warm):
    found = train({**settings, "warm": warm})
    assert found["epochs"] == 2
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.5


def test_single_rows_are_timed(settings):
    found = predict_row({**settings, "epochs": 10})
    assert 0 < found["p50_us"] <= found["p99_us"]
    assert found["accuracy"] > 0.8
