import json

from benchmarks import defaults

RUN = {"accuracy": 0.99, "fit_seconds": 30.0, "process_seconds": 33.0}
RESULTS = {
    "machine": {"cores": 2, "processor": "a processor"},
    "mnist": [RUN, {**RUN, "accuracy": 0.992}],
    "digits": [{"shuffled": [0.99, 0.98], "ordered": [0.97, 0.98]}],
}


def test_the_page_holds_means_and_spreads_of_the_results():
    page = defaults.make_page(RESULTS)
    assert "99.10 ± 0.14 %" in page
    assert "30.0 ± 0.0 s" in page
    assert "97.50 ± 0.00 %" in page


def test_the_committed_results_pass_their_gates_and_make_the_committed_page():
    results = json.loads((defaults.RESULTS / "defaults.json").read_text(encoding="utf-8"))
    assert defaults._passes(results)
    assert defaults.make_page(results) == (defaults.RESULTS / "defaults.md").read_text(encoding="utf-8")
