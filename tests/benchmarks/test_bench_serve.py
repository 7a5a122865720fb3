"""The benchmark of the server: its gates and page, from made-up results. Nothing is served here."""

import pytest

from benchmarks import bench_serve
from benchmarks.bench_serve import GATES, TARGETS, main, make_report, passes
from benchmarks.serve_tutorials import TUTORIALS


def make_results(*, busy=None, alone=None, after_mib=101.0, problems=()):
    common = {"server": "jaxdigits", "body": "PNG", "server_ms": 0.5, "errors": 0}
    loads = [
        {**common, "connections": 1, "per_second": 300.0, "median_ms": 3.0, "p99_ms": 5.0} | (alone or {}),
        {**common, "connections": 64, "per_second": 900.0, "median_ms": 60.0, "p99_ms": 120.0} | (busy or {}),
        {**common, "server": "flask", "body": "form", "connections": 64, "per_second": 90.0, "median_ms": 700.0}
        | {"p99_ms": 9000.0, "errors": 7},
    ]
    return {
        "machine": {"cores": 2, "processor": "A CPU"},
        "gates": GATES,
        "size": {"seconds": 20.0},
        "loads": loads,
        "memory": {"before_mib": 100.0, "after_mib": after_mib, "first": 1_000, "last": 50_000},
        "faults": {
            **{"requests": 20_000, "seconds": 90.0, "statuses": {"200": 3, "400": 9}, "good": 800, "silent": 1},
            **{"before_mib": 100.0, "after_mib": 100.0, "problems": list(problems)},
        },
    }


def test_results_that_meet_every_gate_pass_whatever_the_others_do():
    assert passes(make_results())


@pytest.mark.parametrize(
    "worse",
    [
        {"busy": {"per_second": 249.0}},
        {"busy": {"p99_ms": 181.0}},
        {"busy": {"errors": 1}},
        {"alone": {"median_ms": 10.5}},
        {"after_mib": 105.5},
        {"problems": ["seed 0, request 3: status 500"]},
    ],
    ids=str,
)
def test_results_that_miss_a_gate_do_not_pass(worse):
    assert not passes(make_results(**worse))


def test_the_page_tells_loads_memory_and_faults():
    page = make_report(make_results())
    assert "| jaxdigits | PNG | 64 | 900 | 60.0 | 120.0 | 0.50 | 0 |" in page
    assert "| flask | form | 64 | 90 | 700.0 | 9000.0 | 0.50 | 7 |" in page
    assert "101.0 MiB after 50,000 (+1.0 %)" in page
    assert "20,000 malformed and hostile requests" in page


def test_it_is_compared_with_every_tutorial():
    assert set(TARGETS) == {"jaxdigits", *TUTORIALS}


def test_without_mnist_it_says_so_in_one_line(monkeypatch, capsys):
    def fail():
        raise OSError("no images here")

    monkeypatch.setattr(bench_serve, "load_mnist", fail)
    assert main([]) == 2
    assert capsys.readouterr().err == "no images here\n"
