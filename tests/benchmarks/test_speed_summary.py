"""The table of all questions of speed, from made-up results."""

import json

import pytest

from benchmarks.speed_summary import main, make_summary


def make_results(*, target, ours=(1.0, 1.0), theirs=(4.0, 2.0), accuracy=0.99):
    def runs(seconds, accuracy):
        return [{"round": k, "seconds": value, "accuracy": accuracy} for k, value in enumerate(seconds)]

    return {
        "question": {
            "title": "An epoch",
            "measures": [{"key": "seconds", "title": "seconds", "digits": 2, "factor": 1.0}],
            "targets": [{"row": "ours", "measure": None, "must": None, "aim": None} | target],
            "gate": 0.9,
            "tolerance": None,
            "gate_on_mean": False,
        },
        "rows": {
            "ours": {"is_ours": True, "runs": runs(ours, accuracy)},
            "peer": {"runs": runs(theirs, 0.99)},
            "slow peer": {"runs": runs([9.0, 9.0], 0.99)},
            "floor": {"runs": [{"round": k, "seconds": 0.5} for k in range(2)]},
        },
    }


def last_line(**options):
    return make_summary({"epoch": make_results(**options)}).splitlines()[-1]


@pytest.mark.parametrize(
    ("target", "end"),
    [
        ({"against": "best peer", "must": 4.0, "aim": 5.0}, "| peer | 3.00 | 3.00 | **≥ 4** |"),
        ({"against": "slow peer", "must": 2.0}, "| slow peer | 9.00 | 9.00 | ≥ 2 |"),
        ({"against": "floor", "must": 4.0, "aim": 1.5}, "| floor | 0.50 | 0.50 | ≥ 0.25 |"),
        ({"against": None, "must": 1.5, "aim": 0.5}, "| - | - | - | ≤ 1.5 |"),
        ({"against": "unknown", "must": 1.5}, "| unknown | - | - | **≥ 1.5** |"),
    ],
    ids=str,
)
def test_a_line_says_what_was_asked_and_whether_it_was_reached(target, end):
    assert last_line(target=target) == f"| An epoch | ours | 1.00 seconds {end}"


def test_a_row_that_is_not_accurate_enough_reaches_nothing():
    assert last_line(target={"against": "peer", "must": 2.0}, accuracy=0.5).endswith("| 3.00 | **≥ 2** |")


def test_a_row_that_was_not_measured_has_no_line():
    results = make_results(target={"against": "peer", "must": 2.0})
    results["rows"]["ours"]["runs"] = []
    assert make_summary({"epoch": results}).splitlines()[-1].startswith("|---")


def test_what_is_only_aimed_for_has_no_line():
    assert last_line(target={"against": "peer", "aim": 2.0}).startswith("|---")


def test_the_table_is_written_beside_the_results(tmp_path, capsys):
    results = make_results(target={"against": "peer", "must": 2.0})
    (tmp_path / "mlp_epoch.json").write_text(json.dumps(results | {"environment": {}}))
    assert main(["--output", str(tmp_path)]) == 0
    page = (tmp_path / "speed-summary.md").read_text(encoding="utf-8")
    assert "| An epoch | ours |" in page
    assert page in capsys.readouterr().out
