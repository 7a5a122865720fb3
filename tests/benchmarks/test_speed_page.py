"""The page of a question of speed."""

import pytest

from benchmarks.speed_page import best_peer, make_page, passes, ratios


def make_row(seconds, accuracy=0.98, **more):
    runs = [{"round": number, "seconds": each, "accuracy": accuracy} for number, each in enumerate(seconds)]
    return {"runs": runs, **more}


@pytest.fixture
def results():
    return {
        "question": {
            "title": "A race",
            "text": "Who is faster?",
            "measures": [{"key": "seconds", "title": "seconds", "digits": 2, "factor": 1.0}],
            "gate": 0.97,
            "tolerance": 0.02,
            "gate_on_mean": False,
            "operations": 1e9,
            "is_compared": True,
            "targets": [
                {"row": "ours", "against": "best peer", "must": 2.0, "aim": 5.0, "measure": None},
                {"row": "ours", "against": "floor", "must": None, "aim": 3.0, "measure": None},
                {"row": "ours", "against": None, "must": 0.5, "aim": None, "measure": None},
            ],
        },
        "environment": {
            "machine": {"processor": "Abacus", "cores": 2, "memory_gib": 24, "device": "cpu", "system": "Linux"},
            "versions": {"jax": "0.10.2"},
            "commit": "abc",
        },
        "rows": {
            "ours": make_row([1.0, 2.0, 1.0], is_ours=True),
            "peer": make_row([3.0, 6.0, 4.0]),
            "hasty": make_row([0.1, 0.1, 0.1], accuracy=0.90),
            "absent": {"runs": [], "missing": "absent is not installed"},
            "floor": {"runs": [{"round": 0, "seconds": 0.5, "gflops": 200.0}]},
        },
    }


def test_ratios_are_taken_within_rounds(results):
    rows = results["rows"]
    assert ratios(rows["peer"], rows["ours"], "seconds") == [3.0, 3.0, 4.0]
    assert ratios(rows["floor"], rows["ours"], "seconds") == [0.5]


def test_a_faster_worse_model_is_no_result(results):
    question, rows = results["question"], results["rows"]
    assert best_peer(question, rows, "seconds") == "peer"
    assert not passes(question, rows, "hasty")
    assert "| hasty | 0.10 (0.10 to 0.10) | not accurate enough | 90.00 % (90.00 to 90.00)" in make_page(results)


def test_a_row_must_keep_up_with_the_best(results):
    rows = {**results["rows"], "better": make_row([9.0], accuracy=1.0)}
    assert passes({**results["question"], "gate": None}, rows, "ours")
    rows["better"] = make_row([9.0], accuracy=1.01)
    assert not passes({**results["question"], "gate": None}, rows, "ours")


def test_a_mean_is_judged_where_a_mean_is_asked_for(results):
    row = make_row([1.0, 1.0, 1.0])
    for run, accuracy in zip(row["runs"], (0.99, 0.98, 0.90), strict=True):
        run["accuracy"] = accuracy
    assert passes(results["question"], {"row": row}, "row")
    assert not passes({**results["question"], "gate_on_mean": True}, {"row": row}, "row")


def test_the_page_says_what_was_reached_and_what_was_not(results):
    page = make_page(results)
    assert "times as fast as peer: 3.00 (3.00 to 4.00); must be at least 2: reached, aim is at least 5: **not" in page
    assert "times the floor: 2.00; aim is at most 3: reached." in page
    assert "ours, seconds: 1.00 (1.00 to 2.00); must be at most 0.5: **not reached**." in page
    assert "| absent | absent is not installed |" in page
    assert "Abacus, 2 cores" in page
    assert "commit abc." in page


def test_our_own_row_has_to_be_accurate_too(results):
    results["rows"]["ours"] = make_row([0.1], accuracy=0.5, is_ours=True)
    assert "ours: **not reached**, it is not accurate enough." in make_page(results)


def test_every_line_of_the_table_has_as_many_cells(results):
    lines = [line for line in make_page(results).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
