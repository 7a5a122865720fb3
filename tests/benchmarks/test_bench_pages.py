import json

import numpy as np
import pytest

from benchmarks import bench_pages
from benchmarks.bench_pages import judge_page, main, make_report, passes
from benchmarks.pages import SyntheticPage, TrueDigit

BOXES = [(10, 10, 30, 50), (40, 10, 60, 50), (58, 10, 80, 50)]
PAGE = SyntheticPage(
    np.zeros((60, 90, 3), np.uint8),
    tuple(TrueDigit(label, box, 0, label > 1) for label, box in enumerate(BOXES, 1)),
    *(0.0, "plain", False, False),
)


def results_of(**counts):
    names = ("digits", "found", "right", "phantoms", "touching", "touching_found", "touching_right")
    page = {"seed": 0, "skew": 3.0, "paper": "plain", "desk": False, "shadow": True, "seconds": 0.5}
    page |= dict.fromkeys(names, 0) | counts
    machine = {"cores": 2, "processor": "Abacus"}
    return {"machine": machine, "gates": bench_pages.GATES, "model": "small", "part": "test", "pages": [page]}


def test_all_right():
    counts = judge_page(PAGE, [(label, box) for label, box in enumerate(BOXES, 1)])
    assert counts == {
        **{"digits": 3, "found": 3, "right": 3, "phantoms": 0},
        **{"touching": 2, "touching_found": 2, "touching_right": 2},
    }


def test_two_digits_read_as_one_are_at_most_one_right():
    counts = judge_page(PAGE, [(3, (40, 10, 80, 50))])
    assert (counts["found"], counts["right"], counts["phantoms"]) == (1, 1, 0)


def test_a_second_reading_of_a_digit_is_a_phantom():
    counts = judge_page(PAGE, [(1, BOXES[0]), (1, (10, 10, 30, 48))])
    assert (counts["found"], counts["phantoms"]) == (1, 1)


def test_a_box_elsewhere_finds_nothing():
    counts = judge_page(PAGE, [(1, (10, 40, 30, 80))])
    assert (counts["found"], counts["phantoms"]) == (0, 1)


def test_without_labels_nothing_is_right():
    assert judge_page(PAGE, [(None, box) for box in BOXES])["right"] == 0


def test_gates_are_met_or_not():
    assert passes(results_of(digits=100, right=97, phantoms=1))
    assert not passes(results_of(digits=100, right=96, phantoms=0))
    assert not passes(results_of(digits=100, right=100, phantoms=2))


def test_the_report_holds_shares_by_kind_of_page():
    report = make_report(results_of(digits=200, found=199, right=196, phantoms=1, touching=10, touching_found=9))
    assert "| all | 200 | 99.50 % | 98.00 % | 0.50 % |" in report
    assert "| in part in the shadow | 200 |" in report
    assert "| digits that touch | 10 | 90.00 % | 0.00 % | - |" in report
    assert "squared" not in report  # no such page, no such row


@pytest.mark.usefixtures("small_mnist")
def test_finding_alone_runs_and_writes_nothing(monkeypatch, small_mnist, tmp_path, capsys):
    X_train, X_test, y_train, y_test = small_mnist
    monkeypatch.setattr(bench_pages, "load_mnist", lambda: (X_train, X_test, y_train, y_test))
    assert main(["--finding", "--part", "train", "--pages", "1", "--output", str(tmp_path)]) == 0
    assert "| all |" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_reader_is_judged_and_results_are_written(monkeypatch, small_mnist, tmp_path, capsys):
    monkeypatch.setattr(bench_pages, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(bench_pages, "_load_reader", lambda _: lambda _: [(0, (0, 0, 2, 2))])
    assert main(["--pages", "1", "--output", str(tmp_path)]) == 1
    results = json.loads((tmp_path / "pages.json").read_text(encoding="utf-8"))
    assert results["pages"][0]["phantoms"] == 1
    assert (tmp_path / "pages.md").read_text(encoding="utf-8") == make_report(results)
    assert "| all |" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--pages", "0"], ["--finding"], ["--part", "all"]])
def test_wrong_options_are_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err


def test_committed_results_make_the_committed_page():
    path = bench_pages.RESULTS / "pages.json"
    if not path.exists():
        pytest.skip("no results of pages yet: run python -m benchmarks.bench_pages")
    results = json.loads(path.read_text(encoding="utf-8"))
    assert make_report(results) == path.with_suffix(".md").read_text(encoding="utf-8")
