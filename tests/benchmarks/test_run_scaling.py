"""What a fit costs as it grows."""

from benchmarks.run_scaling import fit_many, fit_once

SIZES = {"samples": 300, "features": 16, "hidden": 8, "batch": 32}


def test_a_fit_is_timed(settings):
    found = fit_once({**settings, **SIZES, "members": 1})
    assert len(found["fits"]) == 5
    assert found["seconds"] > 0


def test_an_ensemble_is_timed_where_there_is_one(settings):
    found = fit_once({**settings, **SIZES, "members": 2})
    assert "missing" in found or found["seconds"] > 0


def test_memory_is_watched_ten_times(settings):
    found = fit_many({**settings, "n_fits": 10})
    assert len(found["resident_mib"]) == 10
    assert found["growth"] == found["resident_mib"][-1] / found["resident_mib"][0] - 1
