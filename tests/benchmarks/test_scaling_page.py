"""The page of how costs grow."""

from dataclasses import asdict

import pytest

from benchmarks.bench_scaling import QUESTION
from benchmarks.scaling_page import find_points, fit_exponent, make_page, name_cost


@pytest.fixture
def results():
    rows = {}
    for variant in QUESTION.variants:
        size = {**QUESTION.settings, **variant.settings}
        run = {"round": 0, "seconds": size["samples"] * 1e-5, "step_us": 3.0, "peak_mib": 100.0}
        rows[variant.name] = {"runs": [run], "is_ours": True}
    machine = {"processor": "Abacus", "cores": 2, "memory_gib": 24, "device": "cpu", "system": "Linux"}
    environment = {"machine": machine, "versions": {}, "commit": "abc"}
    return {"question": asdict(QUESTION), "environment": environment, "rows": rows}


def test_points_lie_in_the_order_of_their_size(results):
    points = find_points(results, "samples", "seconds")
    assert [size for size, _ in points] == [1e3, 4e3, 16e3, 64e3, 250e3, 1e6]
    assert fit_exponent(points) == pytest.approx(1)
    assert fit_exponent(points[:1]) is None


@pytest.mark.parametrize(
    ("axis", "exponent", "words"),
    [
        ("samples", 0.98, "what grows with it"),
        ("hidden", 0.1, "what does not depend on it"),
        ("hidden", 0.5, "both"),
        ("batch", -0.9, "the fixed cost of a step"),
        ("batch", 0.0, "arithmetic"),
        ("batch", None, ""),
    ],
)
def test_what_dominates_is_named(axis, exponent, words):
    assert name_cost(axis, exponent) == words


def test_the_page_has_exponents_and_plots(results, tmp_path):
    page = make_page(results, tmp_path / "scaling.md")
    assert "| samples | 1.00 | 1.00 | what grows with it | 0.00 | 0.00 |" in page
    for name in ("samples", "features", "hidden", "batch", "members"):
        assert f"(scaling/{name}.png)" in page
        assert (tmp_path / "scaling" / f"{name}.png").stat().st_size > 1000
