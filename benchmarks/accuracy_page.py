"""The page of accuracies: tables from what `benchmarks.bench_accuracy` measured, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.results import mean_and_deviation

__all__ = ["make_page", "make_summary"]


def make_page(results: dict[str, Any]) -> str:
    """Write the tables from the results alone.

    Parameters
    ----------
    results : dict
        What `accuracy.json` holds; parts may be missing.

    Returns
    -------
    str
        Markdown.
    """
    lines = [make_summary(results).rstrip("\n")]
    if results.get("ablation"):
        lines += _page_ablation(results)
    if results.get("budget"):
        lines += _page_budget(results["budget"])
    return "\n".join(lines) + "\n"


def make_summary(results: dict[str, Any]) -> str:
    """Write the table of the test images alone.

    Parameters
    ----------
    results : dict
        What `accuracy.json` holds.

    Returns
    -------
    str
        Markdown.
    """
    machine = results["environments"][-1]["machine"]
    lines = ["# Accuracy", "", f"On {machine['cores']} cores of {machine['processor']}."]
    if results.get("test"):
        lines += _page_test(results["test"])
    return "\n".join(lines) + "\n"


def _page_test(runs: dict[str, Any]) -> list[str]:
    names = sorted(runs)
    rows: dict[str, list[str]] = {}
    for name in names:
        singles, together = list(runs[name]["seeds"].values()), runs[name]["together"]
        n = len(singles)
        figures = {
            f"one network, mean ± standard deviation of {n} seeds": [run["accuracy"] for run in singles],
            "the same, over 9 views of each image": [run["views"] for run in singles],
            f"ensemble of the {n}": [together["accuracy"]],
            f"ensemble of the {n}, over 9 views": [together["views"]],
        }
        for row, values in figures.items():
            rows.setdefault(row, []).append(_percent(values))
    return [
        "",
        "MNIST's 10,000 test images, trained on all 60,000 training images.",
        "",
        *(f"- `{name}`: `DigitClassifier({_settings(runs[name]['recipe'])})`{_time(runs[name])}." for name in names),
        "",
        f"| what | {' | '.join(f'`{name}`' for name in names)} |",
        f"|---|{'--:|' * len(names)}",
        *(f"| {row} | {' | '.join(cells)} |" for row, cells in rows.items()),
    ]


def _time(run: dict[str, Any]) -> str:
    seconds = [each["seconds"] for each in run["seeds"].values()]
    lanes = f", {run['at_a_time']} fits at a time, each on one core" if run["at_a_time"] > 1 else ""
    return f": {min(seconds):.0f} to {max(seconds):.0f} s a fit, compilation included{lanes}"


def _settings(recipe: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_as_tuple(value)!r}" for name, value in recipe.items())


def _page_ablation(results: dict[str, Any]) -> list[str]:
    ablation = results["ablation"]
    base = [run["accuracy"] for run in ablation["the recipe"].values()]
    lines = [
        "",
        f"What each part of `accurate` is worth, in runs of {results['short']} epochs on 50,000 training images; "
        f"accuracy on the other 10,000, mean ± standard deviation of {len(base)} seeds, difference from the first row "
        "in points.",
        "",
        "| recipe | accuracy | difference |",
        "|---|--:|--:|",
    ]
    for name, runs in ablation.items():
        lines.append(_ablation_row(name, list(runs.values()), "accuracy", base))
    lines.append(
        _ablation_row("the recipe, over 9 views of each image", list(ablation["the recipe"].values()), "views", base)
    )
    together = results.get("ablation_together")
    if together:
        for name, value in together.items():
            lines.append(f"| {name} | {100 * value:.2f} % | {100 * (value - np.mean(base)):+.2f} |")
    return lines


def _ablation_row(name: str, runs: Sequence[dict[str, Any]], figure: str, base: Sequence[float]) -> str:
    values = [run[figure] for run in runs]
    difference = 100 * (np.mean(values) - np.mean(base))
    return f"| {name} | {_percent(values)} | {difference:+.2f} |"


def _page_budget(budget: dict[str, Any]) -> list[str]:
    lines = [
        "",
        "`DigitClassifier(max_seconds=T)` with the recipe's network and augmentation, fresh processes, accuracy on "
        "the same 10,000 training images held out.",
        "",
        "| T | fit took | overrun | epochs | accuracy |",
        "|--:|--:|--:|--:|--:|",
    ]
    for allowed, runs in budget.items():
        every = list(runs.values())
        took = [run["seconds"] for run in every]
        over = max(took) / float(allowed) - 1
        epochs = np.mean([run["epochs"] for run in every])
        accuracies = [run["accuracy"] for run in every]
        times = " and ".join(f"{seconds:.1f}" for seconds in took)
        lines.append(f"| {allowed} s | {times} s | {100 * over:+.0f} % | {epochs:.1f} | {_percent(accuracies)} |")
    return lines


def _percent(values: Sequence[float]) -> str:
    mean, deviation = mean_and_deviation(values)
    return f"{100 * mean:.2f} ± {100 * deviation:.2f} %" if len(values) > 1 else f"{100 * mean:.2f} %"


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
