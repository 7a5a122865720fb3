"""The results in words: lines while training runs, and the page with the table."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.results import mean_and_deviation
from benchmarks.systems import TOLERANCE

__all__ = ["describe_run", "is_reached", "make_page", "mean_accuracy", "summarize"]

COLUMNS = ("system", "network and training", "published", "test accuracy", "difference", "train accuracy", "test loss")


def describe_run(run: dict[str, Any]) -> str:
    """Put one run into a line.

    Parameters
    ----------
    run : dict
        One entry of a row's `runs`.

    Returns
    -------
    str
    """
    return (
        f"test {100 * run['test_accuracy']:.2f} %, test loss {run['test_loss']:.4f}, "
        f"train {100 * run['train_accuracy']:.2f} %, {run['seconds']:.1f} s"
    )


def summarize(record: dict[str, Any]) -> str:
    """Put a row into a line, beside its published figure.

    Parameters
    ----------
    record : dict
        One entry of the results' `rows`.

    Returns
    -------
    str
    """
    wording = record["wording"]
    return f"test {_percent(record, 'test_accuracy')}" + (f", published {wording}" if wording else "")


def mean_accuracy(record: dict[str, Any]) -> float:
    """Compute the mean test accuracy of a row, in percent.

    Parameters
    ----------
    record : dict
        One entry of the results' `rows`.

    Returns
    -------
    float
    """
    return 100 * mean_and_deviation([run["test_accuracy"] for run in record["runs"]])[0]


def is_reached(record: dict[str, Any]) -> bool:
    """Tell whether a row's mean is at or above the published figure, or within `TOLERANCE` points of it.

    Parameters
    ----------
    record : dict
        One entry of the results' `rows`, with a published figure.

    Returns
    -------
    bool
    """
    # Rounded as it is printed, so that the table and the verdict agree.
    return bool(round(mean_accuracy(record) - record["published"], 2) >= -TOLERANCE)


def make_page(results: dict[str, Any]) -> str:
    """Write the page with the table, in Markdown.

    Parameters
    ----------
    results : dict
        What `benchmarks.results.read_results` returns.

    Returns
    -------
    str
    """
    records = [record for record in results["rows"].values() if record["runs"]]
    header = f"| {' | '.join(COLUMNS)} | seconds |\n|---|---|--:|--:|--:|--:|--:|--:|"
    table = "\n".join([header, *(_table_row(record) for record in records)])
    return f"# Published systems\n\n{_introduce(records)}\n\n{table}\n\n{_describe_environments(results)}\n"


def _introduce(records: list[dict[str, Any]]) -> str:
    published = [record for record in records if record["published"] is not None]
    n_seeds = sorted({len(record["runs"]) for record in records})
    seeds = (
        f"{n_seeds[0]} seed{'' if n_seeds == [1] else 's'}"
        if len(n_seeds) == 1
        else f"{n_seeds[0]} to {n_seeds[-1]} seeds"
    )
    text = (
        f"Mean ± standard deviation over {seeds}, measured on MNIST's 10,000 test images after the last epoch. "
        f"{sum(map(is_reached, published))} of {len(published)} published figures are reached: the mean is at or above "
        f"them, or within {TOLERANCE} points. Where nothing else is said, networks train with Adam at a rate of 0.001 "
        "in batches of 32, and 10 % of the training images are only watched. Differences are in percentage points, "
        "to the upper end where a range was published; losses are in nats; seconds are the median of a fit."
    )
    n_images = {record["training"]["n_images"] for record in records} - {None}
    return f"**A quick run on {min(n_images):,} images: its figures mean nothing.** {text}" if n_images else text


def _table_row(record: dict[str, Any]) -> str:
    runs = record["runs"]
    published = record["published"]
    loss, deviation = mean_and_deviation([run["test_loss"] for run in runs])
    cells = (
        record["system"],
        record["network"],
        record["wording"] or "-",
        f"**{_percent(record, 'test_accuracy')}**",
        "-" if published is None else f"{mean_accuracy(record) - published:+.2f}",
        _percent(record, "train_accuracy"),
        f"{loss:.4f} ± {deviation:.4f}",
        f"{statistics.median(run['seconds'] for run in runs):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _percent(record: dict[str, Any], name: str) -> str:
    mean, deviation = mean_and_deviation([100 * run[name] for run in record["runs"]])
    return f"{mean:.2f} ± {deviation:.2f} %" if len(record["runs"]) > 1 else f"{mean:.2f} %"


def _describe_environments(results: dict[str, Any]) -> str:
    used = sorted({run["environment"] for record in results["rows"].values() for run in record["runs"]})
    return "\n\n".join(_describe_environment(results["environments"][position]) for position in used)


def _describe_environment(environment: dict[str, Any]) -> str:
    machine, versions = environment["machine"], environment["versions"]
    memory = f", {machine['memory_gib']} GiB" if machine["memory_gib"] else ""
    packages = ", ".join(f"{name} {number}" for name, number in versions.items())
    commit = f"; commit {environment['commit']}" if environment["commit"] else ""
    return (
        f"Measured on {machine['processor']}, {machine['cores']} cores{memory}, {machine['system']}, trained on "
        f"{machine['device']}; {packages}{commit}."
    )
