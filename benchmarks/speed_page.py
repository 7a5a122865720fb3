"""The page of one question of speed: a table of medians, made from its results alone."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

__all__ = ["accuracy_of", "best_peer", "make_page", "passes", "ratios", "values"]

FLOOR = "floor"
Row = dict[str, Any]


def make_page(results: dict[str, Any]) -> str:
    """Write the page.

    Parameters
    ----------
    results : dict
        What the harness wrote: `question`, `environment` and `rows`.

    Returns
    -------
    str
        Markdown.
    """
    question, rows = results["question"], results["rows"]
    parts = [
        f"# {question['title']}",
        question["text"],
        _tabulate(question, rows),
        _judge_targets(question, rows),
        _explain(question, rows),
        _describe_place(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def values(row: Row, key: str) -> list[float]:
    """Return a figure of all runs of a row that have it, in the order of the rounds."""
    runs = sorted(row["runs"], key=lambda run: run["round"])
    return [run[key] for run in runs if run.get(key) is not None]


def ratios(theirs: Row, ours: Row, key: str) -> list[float]:
    """Return how many times as long they took, within each round that both took part in."""
    mine = {run["round"]: run[key] for run in ours["runs"] if run.get(key)}
    return [run[key] / mine[run["round"]] for run in theirs["runs"] if run["round"] in mine and run.get(key)]


def accuracy_of(question: dict[str, Any], row: Row) -> float | None:
    """Return the accuracy that a row is judged by; None without any."""
    found = values(row, "accuracy")
    if not found:
        return None
    return statistics.fmean(found) if question["gate_on_mean"] else statistics.median(found)


def passes(question: dict[str, Any], rows: dict[str, Row], name: str) -> bool:
    """Tell whether a row is accurate enough to count: as the question asks, and beside the best of the others."""
    accuracy = accuracy_of(question, rows[name])
    if accuracy is None:
        return question["gate"] is None
    best = max(found for row in rows.values() if (found := accuracy_of(question, row)) is not None)
    gate, tolerance = question["gate"], question["tolerance"]
    # Averages of tenths are off by a rounding error.
    return (gate is None or accuracy >= gate - 1e-9) and (tolerance is None or accuracy >= best - tolerance - 1e-9)


def best_peer(question: dict[str, Any], rows: dict[str, Row], key: str) -> str | None:
    """Name the fastest row that is not ours and accurate enough."""
    medians = {
        name: statistics.median(values(row, key))
        for name, row in rows.items()
        if name != FLOOR and not row.get("is_ours") and values(row, key) and passes(question, rows, name)
    }
    return min(medians, key=lambda name: medians[name], default=None)


def _tabulate(question: dict[str, Any], rows: dict[str, Row]) -> str:
    measures, first = question["measures"], question["measures"][0]["key"]
    shows_accuracy = any(values(row, "accuracy") for row in rows.values())
    ours = (name for name, row in rows.items() if row.get("is_ours") and row["runs"])
    base = next(ours, None) if question["is_compared"] else None
    shows_memory = all(each["key"] != "peak_mib" for each in measures)
    header = ["", *(each["title"] for each in measures)]
    header += [f"times {base}"] * (base is not None)
    header += ["accuracy"] * shows_accuracy + ["peak memory, MiB"] * shows_memory
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    for name, row in rows.items():
        title = f"**{name}**" if row.get("is_ours") else name
        if not row["runs"]:
            cells = [row.get("missing", "not measured"), *[""] * (len(header) - 2)]
        else:
            cells = [_spread(values(row, each["key"]), each) for each in measures]
            if base is not None:
                counts = passes(question, rows, name) or name == FLOOR
                cells.append(_spread_plain(ratios(row, rows[base], first)) if counts else "not accurate enough")
            cells += [_write_accuracy(question, row)] * shows_accuracy
            cells += [_write_memory(row)] * shows_memory
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _judge_targets(question: dict[str, Any], rows: dict[str, Row]) -> str:
    lines = [line for target in question["targets"] if (line := _judge(target, question, rows))]
    return "\n".join(f"- {line}" for line in lines)


def _judge(target: dict[str, Any], question: dict[str, Any], rows: dict[str, Row]) -> str | None:
    """Say whether a row reaches what was promised of it."""
    name, against = target["row"], target["against"]
    key = target["measure"] or question["measures"][0]["key"]
    row = rows.get(name)
    if row is None or not values(row, key):
        return f"{name}: not measured."
    if not passes(question, rows, name):
        return f"{name}: **not reached**, it is not accurate enough."
    column = next((each for each in question["measures"] if each["key"] == key), {"factor": 1.0, "title": key})
    if against is None:
        found = [column["factor"] * value for value in values(row, key)]
        return f"{name}, {column['title']}: {_compare(target, found, upper=True)}"
    other = best_peer(question, rows, key) if against == "best peer" else against
    if other is None or other not in rows or not values(rows[other], key):
        return f"{name} against {other or 'the best peer'}: not measured."
    if other == FLOOR:
        return f"{name}, times the floor: {_compare(target, ratios(row, rows[other], key), upper=True)}"
    quicker = ratios(rows[other], row, key)
    return f"{name}, {column['title']}, times as fast as {other}: {_compare(target, quicker, upper=False)}"


def _compare(target: dict[str, Any], found: Sequence[float], *, upper: bool) -> str:
    middle = statistics.median(found)
    words, bound = [], "at most" if upper else "at least"
    for kind, limit in (("must be", target["must"]), ("aim is", target["aim"])):
        if limit is not None:
            reached = middle <= limit if upper else middle >= limit
            words.append(f"{kind} {bound} {limit:g}: {'reached' if reached else '**not reached**'}")
    return f"{_spread_plain(found)}; {', '.join(words)}."


def _explain(question: dict[str, Any], rows: dict[str, Row]) -> str:
    counts = sorted({len(row["runs"]) for row in rows.values() if row["runs"]})
    rounds = " to ".join(str(count) for count in sorted({counts[0], counts[-1]})) if counts else "0"
    text = [f"Median (least to most) over {rounds} rounds; rows take turns within a round, each in a fresh process"]
    text.append(", and ratios are taken within rounds.")
    if question["gate"] is not None:
        kind = "mean" if question["gate_on_mean"] else "median"
        text.append(f" A row counts if its {kind} accuracy is at least {question['gate']:.2%}")
        if question["tolerance"] is not None:
            text.append(f" and within {100 * question['tolerance']:g} points of the best row's")
        text.append(".")
    if FLOOR in rows and rows[FLOOR]["runs"]:
        rate = statistics.median(values(rows[FLOOR], "gflops"))
        text.append(
            f" The floor is the {question['operations'] / 1e9:.4g} billion operations of the matrix products alone at "
            f"{rate:.0f} GFLOP/s, the best rate of large float32 products here."
        )
    return "".join(text)


def _describe_place(results: dict[str, Any]) -> str:
    environment = results["environment"]
    machine = environment["machine"]
    others = [share for row in results["rows"].values() for share in values(row, "others")]
    busy = ""
    if others:
        busy = (
            f" Meanwhile other processes took {statistics.median(others):.0%} of the processors (median run), at most "
        )
        busy += f"{max(others):.0%}."
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    return (
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}, {machine['device']}; {versions}; commit {environment['commit']}.{busy}"
    )


def _spread(found: Sequence[Any], column: dict[str, Any]) -> str:
    if not found:
        return "-"
    if isinstance(found[0], list):  # of words, the same in every run
        return ", ".join(sorted({word for words in found for word in words})) or "nothing"
    return _write_spread([column["factor"] * value for value in found], column["digits"])


def _spread_plain(found: Sequence[float]) -> str:
    return _write_spread(found, 2) if found else "-"


def _write_spread(found: Sequence[float], digits: int) -> str:
    middle = f"{statistics.median(found):,.{digits}f}"
    return f"{middle} ({min(found):,.{digits}f} to {max(found):,.{digits}f})" if len(found) > 1 else middle


def _write_accuracy(question: dict[str, Any], row: Row) -> str:
    found = values(row, "accuracy")
    if not found:
        return "-"
    middle = accuracy_of(question, row)
    return f"{100 * (middle or 0.0):.2f} %" + (
        f" ({100 * min(found):.2f} to {100 * max(found):.2f})" * (len(found) > 1)
    )


def _write_memory(row: Row) -> str:
    found = values(row, "peak_mib")
    return f"{statistics.median(found):,.0f}" if found else "-"
