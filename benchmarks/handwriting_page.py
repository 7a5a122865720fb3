"""The figures of the handwriting benchmark as a page, and its picture of hard digits."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from benchmarks.damage import STRENGTHS, show_picture
from benchmarks.handwriting import damage_image, prepare
from benchmarks.samples import load_test_images
from jaxdigits.metrics import wilson_interval

__all__ = ["draw_picture", "make_page", "make_summary", "mean_over_kinds"]

WAYS = ("tutorial", "pipeline", "pretrained")
VERMILION, GRAY, FAINT = "#D55E00", "#666666", "#CCCCCC"
COLUMNS = 8
PIXELS = 256  # longest side of a picture that is shown


def make_page(results: dict[str, Any]) -> str:
    """Write the page from the results alone.

    Parameters
    ----------
    results : dict
        What `benchmarks.bench_handwriting` measured.

    Returns
    -------
    str
        Markdown.
    """
    parts = [
        "# Handwriting",
        _introduce(results),
        _tabulate_sets(results),
        _tabulate_damages(results),
        _tabulate_outliers(results),
        _tabulate_seconds(results),
    ]
    return "\n\n".join(parts) + "\n"


def make_summary(results: dict[str, Any]) -> str:
    """Write the few rows that the README shows.

    Parameters
    ----------
    results : dict
        What `benchmarks.bench_handwriting` measured.

    Returns
    -------
    str
        Markdown.
    """
    rows = {f"{name}, {counts['n']:,} digits": counts for name, counts in results["real"].items()}
    rows[f"MNIST's test images, {results['mnist']['with']['n']:,}"] = results["mnist"]["with"]
    cells = {name: [_percent(counts[way], counts["n"]) for way in WAYS] for name, counts in rows.items()}
    n_kinds, n = len(results["damaged"]), results["n_images"]
    for strength, word in enumerate(STRENGTHS):
        means = [f"{mean_over_kinds(results, strength, way):.2f} %" for way in WAYS]
        cells[f"{n:,} of them in {n_kinds} kinds of damage, {word}"] = means
    table = "\n".join(f"| {name} | {' | '.join(shares)} |" for name, shares in cells.items())
    return (
        "Share of digits read right: the way of most tutorials (gray, resized, turned over where bright), "
        "the same network behind the library's pipeline, and the packaged model "
        f"`{results['model']['name']}`, {results['model']['n_weights']:,} weights.\n\n"
        "| digits | tutorial | pipeline | packaged model |\n|---|--:|--:|--:|\n" + table + "\n"
    )


def mean_over_kinds(results: dict[str, Any], strength: int, way: str) -> float:
    """Average the accuracy of one way over all kinds of damage at a strength, in percent."""
    return float(np.mean([100 * cells[strength][way] / cells[strength]["n"] for cells in results["damaged"].values()]))


def draw_picture(results: dict[str, Any], path: Path) -> None:
    """Draw one digit of each kind at its hardest above what the model saw, with its answer.

    Parameters
    ----------
    results : dict
        What `benchmarks.bench_handwriting` measured.
    path : Path
        The PNG to write.
    """
    images, _ = load_test_images()
    examples = results["examples"]
    n_bands = -(-len(examples) // COLUMNS)
    with mpl.rc_context({"font.size": 9, "savefig.dpi": 110}):
        figure = Figure(figsize=(1.25 * COLUMNS, 2.9 * n_bands), layout=ConstrainedLayoutEngine(h_pad=0.03, w_pad=0.03))
        axes = figure.subplots(2 * n_bands, COLUMNS, squeeze=False)
        for ax in axes.flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for place, example in enumerate(examples):
            band, column = divmod(place, COLUMNS)
            picture = damage_image(images[example["index"]], example["kind"], example["strength"], example["index"])
            _draw_example(axes[2 * band : 2 * band + 2, column], picture, example)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def _draw_example(axes: Any, picture: Any, example: dict[str, Any]) -> None:
    shown = show_picture(picture)
    shown.thumbnail((PIXELS, PIXELS))
    axes[0].imshow(np.asarray(shown), interpolation="nearest")
    axes[0].spines[:].set(visible=True, color=FAINT)  # white paper has no edge of its own
    axes[0].set_title(example["kind"], fontsize=8, color=GRAY)
    axes[1].imshow(prepare([picture]).canonical[0], cmap="gray_r", vmin=0, vmax=255)
    if example["read"] is None:
        answer = "not read"
    else:
        answer = f"{example['read']}, {100 * example['probability']:.0f} % sure"
        answer += "\nno digit?" if example["refused"] else ""
    right = example["read"] == example["label"]
    axes[1].set_title(answer, y=-0.02, va="top", fontsize=9, color="black" if right else VERMILION)


def _introduce(results: dict[str, Any]) -> str:
    model = results["model"]
    quick = "**A quick run: its figures mean nothing.** " if results["quick"] else ""
    return (
        f"{quick}Share of pictures read right. *Tutorial*: gray, resized to 28x28, turned over when the mean is "
        "bright, read by `DigitClassifier()` trained on MNIST. *Pipeline*: the same network behind "
        "`jaxdigits.data.images`. "
        f"*Pretrained*: the pipeline with `load_pretrained({model['name']!r})` ({model['n_weights']:,} weights, "
        "trained on MNIST's training images alone). Intervals are Wilson's, of 95 %. Refused is what the model holds "
        "for no digit, or what could not be read at all; the calibration error is the mean distance between how sure "
        "the pretrained model says it is and how often it is right, in 15 bins."
    )


def _tabulate_sets(results: dict[str, Any]) -> str:
    rows = {f"{name} (real)": counts for name, counts in results["real"].items()}
    rows["MNIST test images"] = results["mnist"]["with"]
    rows["the same, pipeline left out"] = results["mnist"]["without"]
    lines = [
        "| digits | number | tutorial | pipeline | pretrained | interval | calibration error | refused |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, counts in rows.items():
        low, high = wilson_interval(counts["pretrained"], counts["n"])
        shares = " | ".join(_percent(counts[way], counts["n"]) for way in WAYS)
        lines.append(
            f"| {name} | {counts['n']:,} | {shares} | {100 * low:.2f} to {100 * high:.2f} % | "
            f"{100 * counts['calibration_error']:.2f} % | {_percent(counts['refused'], counts['n'])} |"
        )
    return "\n".join(lines)


def _tabulate_damages(results: dict[str, Any]) -> str:
    damaged, n = results["damaged"], results["n_images"]
    widest = max(_width(cell) for cells in damaged.values() for cell in cells)
    lines = [
        f"MNIST's test images, {n:,} of each kind, damaged on the fly: {', '.join(STRENGTHS)}, in percent. Half the "
        f"width of an interval is at most {50 * widest:.2f} points.",
        "",
        "| damage | tutorial | pipeline | pretrained | calibration error | refused |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kind, cells in damaged.items():
        columns = [_row([100 * cell[way] / cell["n"] for cell in cells]) for way in WAYS]
        columns.append(_row([100 * cell["calibration_error"] for cell in cells]))
        columns.append(_row([100 * cell["refused"] / cell["n"] for cell in cells]))
        lines.append(f"| {kind} | {' | '.join(columns)} |")
    means = [_row([mean_over_kinds(results, strength, way) for strength in range(3)]) for way in WAYS]
    for name, scale in (("calibration_error", 1), ("refused", n)):
        columns = [[cells[strength][name] / scale for cells in damaged.values()] for strength in range(3)]
        means.append(_row([100 * float(np.mean(column)) for column in columns]))
    lines.append("| **mean over all kinds** | " + " | ".join(f"**{mean}**" for mean in means) + " |")
    return "\n".join(lines)


def _tabulate_outliers(results: dict[str, Any]) -> str:
    outliers = results["outliers"]
    lines = [
        f"What is no digit, drawn by rules and shown to nothing that was trained, against {outliers['n_digits']:,} "
        "digits (MNIST's test images and the real sets).",
        "",
        "| no digit | number | AUROC | refused |",
        "|---|--:|--:|--:|",
    ]
    for kind, counts in outliers["kinds"].items():
        refused = _percent(counts["refused"], counts["n"])
        lines.append(f"| {kind} | {counts['n']:,} | {counts['auroc']:.4f} | {refused} |")
    total = sum(counts["n"] for counts in outliers["kinds"].values())
    refused = sum(counts["refused"] for counts in outliers["kinds"].values())
    lines.append(f"| **all** | {total:,} | **{outliers['auroc']:.4f}** | {_percent(refused, total)} |")
    return "\n".join(lines)


def _tabulate_seconds(results: dict[str, Any]) -> str:
    machine, size = results["machine"], "x".join(map(str, results["photo"]))
    lines = [
        f"Medians, on {machine['cores']} cores of {machine['processor']}; a photo has {size} pixels, a command "
        "starts cold.",
        "",
        "| what | ms |",
        "|---|--:|",
        *(f"| {name} | {1000 * seconds:.0f} |" for name, seconds in results["seconds"].items()),
    ]
    return "\n".join(lines)


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.2f} %"


def _row(percents: list[float]) -> str:
    return " / ".join(f"{percent:.1f}" for percent in percents)


def _width(cell: dict[str, Any]) -> float:
    low, high = wilson_interval(cell["pretrained"], cell["n"])
    return high - low
