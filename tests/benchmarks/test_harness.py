"""The harness of the questions of speed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import harness
from benchmarks.harness import FLOOR, Measure, Question, Target, Variant, main, measure

pytestmark = pytest.mark.usefixtures("small_mnist")

OURS, PEER, ABSENT = Variant("ours", "a:b", {"pace": 1.0}, is_ours=True), Variant("peer", "c:d"), "absent"
QUESTION = Question(
    name="race",
    title="A race",
    text="Who is faster?",
    variants=(
        OURS,
        PEER,
        Variant(ABSENT, "e:f", needs=("no-such-distribution",)),
        Variant("cpu", "g:h", devices=("cpu",)),
    ),
    measures=(Measure("seconds", "seconds"),),
    settings={"epochs": 3},
    quick={"epochs": 1},
    gate=0.9,
    targets=(Target("ours", "best peer", 2.0, 3.0),),
    rounds=2,
)
ENVIRONMENT = {
    "machine": {"processor": "Abacus", "cores": 2, "memory_gib": 24, "device": "cpu", "system": "Linux"},
    "versions": {"jax": "0.10.2"},
    "commit": "abc",
}


@pytest.fixture
def calls(monkeypatch):
    """Answer every measurement at once; the list tells what was asked."""
    asked = []

    def answer(call, settings):
        if call == "benchmarks.worker:describe":
            return {"environment": ENVIRONMENT}
        asked.append((call, settings))
        return {
            "seconds": 1.0 if call == "a:b" else 4.0,
            "accuracy": 0.95,
            "peak_mib": 100.0,
            "others": 0.0,
            "gflops": 9.0,
        }

    monkeypatch.setattr(harness, "measure", answer)
    return asked


@pytest.fixture
def run(tmp_path):
    """Ask the question with results in a scratch folder; return them."""

    def ask(*words, question=QUESTION):
        assert main(question, ["--output", str(tmp_path), *words]) == 0
        return json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))

    return ask


def test_rows_take_turns_and_every_round_begins_with_another(calls, run):
    results = run()
    assert [call for call, _ in calls] == ["a:b", "c:d", "g:h", "c:d", "g:h", "a:b"]
    assert [each["round"] for each in results["rows"]["ours"]["runs"]] == [0, 1]
    assert results["environment"] == ENVIRONMENT
    assert results["rows"][ABSENT]["missing"] == "no-such-distribution is not installed"


def test_every_row_is_given_the_same_images_and_a_seed_of_its_round(run, monkeypatch):
    seen = []

    def answer(call, settings):
        if call == "benchmarks.worker:describe":
            return {"environment": ENVIRONMENT}
        seen.append((settings["seed"], settings["epochs"], np.load(f"{settings['data']}/images.npy").shape))
        return {"seconds": 1.0, "accuracy": 1.0}

    monkeypatch.setattr(harness, "measure", answer)
    run()
    assert set(seen) == {(seed, 3, (1500, 28, 28)) for seed in (0, 1)}


def test_a_row_may_have_rounds_of_its_own(calls, run):
    run(question=replace(QUESTION, variants=(replace(OURS, rounds=4), PEER)))
    assert [call for call, _ in calls].count("a:b") == 4
    assert [call for call, _ in calls].count("c:d") == 2


def test_a_stopped_run_goes_on_where_it_stood(calls, run, tmp_path, monkeypatch):
    answer = harness.measure

    def stop(call, settings):
        if call == "c:d":
            raise KeyboardInterrupt
        return answer(call, settings)

    monkeypatch.setattr(harness, "measure", stop)
    assert main(QUESTION, ["--output", str(tmp_path)]) == 130
    monkeypatch.setattr(harness, "measure", answer)
    assert [call for call, _ in calls] == ["a:b"]
    run()
    assert [call for call, _ in calls].count("a:b") == 2
    calls.clear()
    run()
    assert not calls
    run("--restart")
    assert calls


@pytest.mark.parametrize("commit", ["def", "abc with changes"])
def test_runs_of_other_code_are_dropped(calls, run, monkeypatch, capsys, commit):
    monkeypatch.setitem(ENVIRONMENT, "commit", commit if commit.endswith("changes") else "abc")
    run()
    monkeypatch.setitem(ENVIRONMENT, "commit", commit)
    calls.clear()
    run()
    assert len(calls) == 6
    assert "earlier runs are dropped" in capsys.readouterr().out


def test_a_row_that_fails_is_named_and_the_others_are_measured(run, monkeypatch, capsys):
    asked = []

    def answer(call, _):
        if call == "benchmarks.worker:describe":
            return {"environment": ENVIRONMENT}
        asked.append(call)
        return {"missing": "failed: no memory"} if call == "c:d" else {"seconds": 1.0, "accuracy": 0.95}

    monkeypatch.setattr(harness, "measure", answer)
    results = run()
    assert results["rows"]["peer"] == {**results["rows"]["peer"], "missing": "failed: no memory", "runs": []}
    assert asked.count("c:d") == 1
    assert "| peer | failed: no memory |" in capsys.readouterr().out


@pytest.mark.usefixtures("calls")
def test_a_gpu_leaves_out_what_knows_none_and_writes_a_file_of_its_own(run, tmp_path):
    results = run("--device", "gpu")
    assert results["rows"]["cpu"]["missing"] == "not measured on a GPU"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["race-gpu.json", "race-gpu.md"]


def test_a_quick_run_has_one_round_and_a_folder_of_its_own(calls, run, capsys):
    with pytest.raises(SystemExit):
        main(QUESTION, ["--quick"])
    assert "--quick needs --output" in capsys.readouterr().err
    run("--quick")
    assert [settings["epochs"] for _, settings in calls] == [1, 1, 1]


def test_a_floor_has_a_row_of_its_own(calls, run):
    run("--rows", FLOOR, question=replace(QUESTION, operations=7.0))
    assert [(call, settings["operations"]) for call, settings in calls] == [("benchmarks.run_floor:multiply", 7.0)] * 2


@pytest.mark.usefixtures("calls")
def test_the_page_can_be_made_again_from_the_results_alone(run, tmp_path):
    run()
    page = (tmp_path / "race.md").read_text(encoding="utf-8")
    (tmp_path / "race.md").unlink()
    run("--draw")
    assert (tmp_path / "race.md").read_text(encoding="utf-8") == page


def test_nothing_to_draw_is_an_error(tmp_path, capsys):
    assert main(QUESTION, ["--draw", "--output", str(tmp_path)]) == 2
    assert "holds no runs yet" in capsys.readouterr().err


def test_a_measurement_is_a_process_of_its_own():
    figures = measure("benchmarks.run_floor:multiply", {"device": "cpu", "operations": 2e9})
    assert 0 < figures["seconds"] < figures["wall_seconds"]
    assert figures["gflops"] > 0


@pytest.mark.parametrize(
    ("call", "words"),
    [("benchmarks.run_floor:nothing", "has no attribute"), ("benchmarks.missing:train", "No module named")],
)
def test_a_measurement_that_fails_says_why(call, words):
    found = measure(call, {})
    assert set(found) == {"missing"}
    assert words in found["missing"]
