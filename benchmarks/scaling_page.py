"""The page of how costs grow: a table, fitted exponents and plots, made from the results alone."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.speed_page import make_page as make_table
from benchmarks.speed_page import values

__all__ = ["draw_plots", "find_points", "fit_exponent", "make_page", "name_cost"]

AXES = {
    "samples": "samples",
    "features": "features",
    "hidden": "hidden units",
    "batch": "batch size",
    "members": "members of an ensemble",
}
FLAT, LINEAR = 0.25, 0.75
Points = list[tuple[float, float]]


def make_page(results: dict[str, Any], path: Path) -> str:
    """Write the page, and draw the plots beside it.

    Parameters
    ----------
    results : dict
        What the harness wrote.
    path : Path
        Of the page; the plots go to a folder of its name.

    Returns
    -------
    str
        Markdown.
    """
    head, *rest = make_table(results).split("\n\n")
    plots = draw_plots(results, path.with_suffix(""))
    pictures = [f"![{each.stem}]({each.parent.name}/{each.name})" for each in plots]
    return "\n\n".join([head, rest[0], _tabulate_exponents(results), *pictures, *rest[1:]])


def find_points(results: dict[str, Any], axis: str, key: str) -> Points:
    """Return (size, median) of every measured row along an axis."""
    settings = {each["name"]: each["settings"] for each in results["question"]["variants"]}
    base = results["question"]["settings"]
    points = []
    for name, row in results["rows"].items():
        found = values(row, key)
        if settings.get(name, {}).get("axis") == axis and found:
            points.append((float({**base, **settings[name]}[axis]), statistics.median(found)))
    return sorted(points)


def fit_exponent(points: Points) -> float | None:
    """Fit the exponent of a power law by least squares of the logarithms; None with fewer than two points.

    Examples
    --------
    >>> from benchmarks.scaling_page import fit_exponent
    >>> fit_exponent([(1.0, 2.0), (10.0, 20.0), (100.0, 200.0)])
    1.0
    """
    if len({x for x, _ in points}) < 2:
        return None
    logs = [(math.log(x), math.log(y)) for x, y in points]
    slope = statistics.linear_regression([x for x, _ in logs], [y for _, y in logs]).slope
    return round(slope, 6)


def name_cost(axis: str, exponent: float | None) -> str:
    """Name what dominates a cost that grows like this."""
    if exponent is None:
        return ""
    if axis == "batch":
        return "the fixed cost of a step" if exponent < -LINEAR else "arithmetic" if exponent > -FLAT else "both"
    if exponent < FLAT:
        return "what does not depend on it"
    return "what grows with it" if exponent > LINEAR else "both"


def draw_plots(results: dict[str, Any], folder: Path) -> list[Path]:
    """Draw seconds and memory against every axis; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for axis, title in AXES.items():
        seconds, memory = (find_points(results, axis, key) for key in ("seconds", "peak_mib"))
        if not seconds:
            continue
        figure = Figure(figsize=(7, 2.8), layout="constrained")
        for axes, points, name in zip(
            figure.subplots(1, 2), (seconds, memory), ("seconds an epoch", "peak MiB"), strict=True
        ):
            axes.loglog(*zip(*points, strict=True), marker="o", color="#0072B2")
            axes.set(xlabel=title, ylabel=name)
            exponent = fit_exponent(points[len(points) // 2 :])
            axes.set_title("" if exponent is None else f"upper half grows like size^{exponent:.2f}", fontsize=9)
            axes.grid(alpha=0.3)
        path = folder / f"{axis}.png"
        figure.savefig(path, dpi=110, metadata={"Software": None})
        drawn.append(path)
    return drawn


def _tabulate_exponents(results: dict[str, Any]) -> str:
    lines = [
        "Exponents of power laws, fitted to all sizes and to the larger half of them; an exponent of 1 is growth in "
        "proportion.",
        "",
        "| against | time, all | time, larger half | dominated there by | memory, all | memory, larger half |",
        "|---|--:|--:|---|--:|--:|",
    ]
    for axis, title in AXES.items():
        cells = []
        for key in ("seconds", "peak_mib"):
            points = find_points(results, axis, key)
            found = [fit_exponent(points), fit_exponent(points[len(points) // 2 :])]
            cells += ["-" if exponent is None else f"{exponent:.2f}" for exponent in found]
            cells += [name_cost(axis, found[1])] * (key == "seconds")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
