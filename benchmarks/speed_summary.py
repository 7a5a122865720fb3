"""One table of what is to be reached in speed and what was found, from the results of all questions.

python -m benchmarks.speed_summary    writes results/speed-summary.md; `benchmarks.speed` does so at its end
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import read_results
from benchmarks.speed import QUESTIONS
from benchmarks.speed_page import FLOOR, best_peer, passes, ratios, values

__all__ = ["main", "make_summary"]

RESULTS = Path(__file__).parent / "results"
HEADER = "| question | row | figure | beside | its figure | times as fast | goal |"
RULE = "|---|---|--:|---|--:|--:|--:|"


def make_summary(results: dict[str, dict[str, Any]]) -> str:
    """Write the table.

    Parameters
    ----------
    results : dict of str to dict
        By question, what the harness wrote.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        _line(found["question"], found["rows"], target) for found in results.values() for target in _targets(found)
    ]
    rounds = [len(row["runs"]) for found in results.values() for row in found["rows"].values() if row["runs"]]
    text = (
        f"Medians over {min(rounds)} to {max(rounds)} rounds; libraries take turns within a round, each in a fresh "
        "process, and ratios are taken within rounds. **Bold**: a goal not reached; its page tells more."
        if rounds
        else "Nothing is measured yet."
    )
    return "\n".join(["# Speed", "", text, "", HEADER, RULE, *lines]) + "\n"


def _targets(found: dict[str, Any]) -> list[dict[str, Any]]:
    """List what a measured row must reach; what is only aimed for stands on the question's page."""
    targets: list[dict[str, Any]] = found["question"]["targets"]
    return [each for each in targets if each["must"] and found["rows"].get(each["row"], {}).get("runs")]


def _line(question: dict[str, Any], rows: dict[str, Any], target: dict[str, Any]) -> str:
    key = target["measure"] or question["measures"][0]["key"]
    column = next((each for each in question["measures"] if each["key"] == key), {"title": key, "digits": 2})
    name, other = target["row"], target["against"]
    own = values(rows[name], key)
    goal = target["must"]
    beside, its_figure, times = "-", "-", None
    judged = _scale(own, column) if own and other is None else None
    if other is not None:
        beside = other if other != "best peer" else best_peer(question, rows, key) or "no peer"
        if beside in rows and values(rows[beside], key):
            its_figure = _write(values(rows[beside], key), column)
            judged = times = statistics.median(ratios(rows[beside], rows[name], key))
    if other == FLOOR:  # its limits say how many times the floor a row may take
        goal = 1 / goal
    if not passes(question, rows, name):
        judged = None
    cells = [
        question["title"],
        name,
        f"{_write(own, column)} {column['title']}" if own else "not measured",
        beside,
        its_figure,
        "-" if times is None else f"{times:.2f}",
        _judge(judged, goal, at_most=other is None),
    ]
    return f"| {' | '.join(cells)} |"


def _scale(found: Sequence[float], column: dict[str, Any]) -> float:
    return float(statistics.median(found) * column.get("factor", 1.0))


def _write(found: Sequence[float], column: dict[str, Any]) -> str:
    return f"{_scale(found, column):,.{column['digits']}f}"


def _judge(found: float | None, limit: float, *, at_most: bool) -> str:
    words = f"{'≤' if at_most else '≥'} {limit:.3g}"
    reached = found is not None and (found <= limit if at_most else found >= limit)
    return words if reached else f"**{words}**"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table; return 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed_summary", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="DIR", help="where the results are")
    output = parser.parse_args(arguments).output
    results = {name: read_results(path) for name in QUESTIONS if (path := output / f"{name}.json").exists()}
    page = make_summary(results)
    (output / "speed-summary.md").write_text(page, encoding="utf-8")
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
