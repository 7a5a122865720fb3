"""All questions of speed in a row."""

import pytest

from benchmarks import speed
from benchmarks.speed import QUESTIONS, main


@pytest.fixture(autouse=True)
def summarized(monkeypatch):
    """Note the calls: the summary would go into the committed results."""
    calls = []
    monkeypatch.setattr(speed, "_summarize", calls.append)
    return calls


@pytest.fixture
def asked(monkeypatch):
    names = []
    monkeypatch.setattr(speed, "ask", lambda question, rest, **_: names.append((question.name, rest)) or 0)
    return names


def test_every_question_is_asked_in_order_with_the_options_and_summarized_at_the_end(asked, summarized):
    assert main(["--questions", "start", "one_row", "--quick"]) == 0
    assert asked == [("start", ["--quick"]), ("one_row", ["--quick"])]
    assert summarized == [["--quick"]]


def test_a_list_asks_nothing(asked, summarized, capsys):
    assert main(["--list", "--questions", "start"]) == 0
    assert not asked
    assert not summarized
    assert "minutes" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "n_asked"), [(130, 1), (2, 2)])
def test_a_failure_is_named_and_an_interruption_ends_all(monkeypatch, capsys, status, n_asked):
    names = []
    monkeypatch.setattr(speed, "ask", lambda question, *_, **__: names.append(question.name) or status)
    assert main(["--questions", "start", "one_row"]) == (130 if status == 130 else 1)
    assert len(names) == n_asked
    assert ("Failed: start, one_row." in capsys.readouterr().err) == (status == 2)


def test_every_benchmark_with_a_question_is_in_the_row():
    files = {path.stem.removeprefix("bench_") for path in speed_files()}
    assert files == set(QUESTIONS)


def speed_files():
    from pathlib import Path

    folder = Path(speed.__file__).parent
    return [path for path in folder.glob("bench_*.py") if "QUESTION = Question(" in path.read_text(encoding="utf-8")]
