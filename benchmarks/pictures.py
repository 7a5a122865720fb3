"""The pictures of the published systems, drawn from the results and MNIST's images alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from PIL import Image

from benchmarks.samples import distort, load_test_images, load_training_images
from benchmarks.table import mean_accuracy, summarize
from jaxdigits.plotting import ConfusionMatrixDisplay, MistakesDisplay, TrainingCurvesDisplay

__all__ = ["PICTURES", "draw_pictures"]

BLUE, VERMILION = "#0072B2", "#D55E00"
# Okabe and Ito's colors: told apart by color-blind readers.
LINE_COLORS = ("#000000", BLUE, "#56B4E9", VERMILION, "#009E73", "#CC79A7")
STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.titleweight": "bold",
    "savefig.dpi": 110,
}
GRAY = "#666666"
ACCURACY_TICKS = (20, 60, 80, 90, 95, 98, 99, 99.5, 99.8)

NAMES = {"epoch": "epochs"}

Record = dict[str, Any]


def draw_pictures(results: dict[str, Any], folder: Path) -> list[Path]:
    """Draw everything that the results hold: a sheet for each row, the comparison, and samples.

    Parameters
    ----------
    results : dict
        What `benchmarks.results.read_results` returns.
    folder : Path
        Where the pictures go; made if need be.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = {name: record for name, record in results["rows"].items() if record["runs"]}
    with mpl.rc_context(STYLE):
        figures = {name: draw(records) for name, draw in PICTURES.items()}
        sheets = {name: record for name, record in records.items() if not record["is_wish"]}
        figures |= {name: _draw_sheet(record) for name, record in sheets.items()}
        written = {folder / f"{name}.png": figure for name, figure in figures.items() if figure is not None}
        for path, figure in written.items():
            _save(figure, path)
    return list(written)


def _save(figure: Figure, path: Path) -> None:
    """Write a PNG of 256 colors, a third of the size: the pictures are kept beside the code."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def _new_figure(width: float, height: float) -> Figure:
    """Make a figure of a size in inches whose parts keep clear of each other and of its edge."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1))


def _draw_sheet(record: Record) -> Figure:
    """Draw one row: how it learned, what it confuses, and single digits as its first run read them."""
    run = min(record["runs"], key=lambda run: run["seed"])
    figure = _new_figure(11.0, 9.6)
    parts: Any = figure.subfigures(3, 1, height_ratios=(0.75, 3.2, 5.6))
    head, middle, foot = parts
    head.text(0.012, 0.62, f"{record['system']}: {record['network']}", fontsize=14, weight="bold", va="center")
    head.text(0.012, 0.18, f"{_sentence(record)}; below, seed {run['seed']}", color=GRAY, fontsize=11, va="center")
    _draw_curves(middle, run, is_full_batch=record["training"]["settings"]["batch_size"] == "full")
    left, right = foot.subfigures(1, 2, width_ratios=(1.2, 1.0))
    matrix = np.array(run["confusion_matrix"])
    ConfusionMatrixDisplay(matrix).plot(ax=left.subplots())
    above, below = right.subplots(2, 1)
    _draw_digits(above, run["digits"]["first"]).set_title("The first of each digit in the test set")
    n_samples = int(matrix.sum())
    _draw_digits(below, run["digits"]["mistakes"], n_wrong=n_samples - int(np.trace(matrix)), n_samples=n_samples)
    return figure


def _draw_curves(figure: Any, run: dict[str, Any], *, is_full_batch: bool) -> None:
    curves = run["curves"]
    # No epoch is marked: all rows are measured after their last one.
    display = TrainingCurvesDisplay(**{NAMES.get(name, name): curve for name, curve in curves.items()}, best_epoch=0)
    for ax in display.plot(figure.subplots(1, 2)).ax_:
        if is_full_batch:
            ax.set_xlabel("iteration")
            ax.xaxis.set_major_locator(MaxNLocator(steps=(1, 2, 5, 10), integer=True))


def _draw_digits(ax: Axes, digits: list[list[float]], **counts: int) -> Axes:
    """Draw test images with what they are and what they were read as; a wrong reading is vermilion."""
    images = load_test_images()[0]
    indices, true, predicted = np.array([digit[:3] for digit in digits], dtype=int).reshape(-1, 3).T
    surest = np.array([digit[3] for digit in digits], dtype=float)
    display = MistakesDisplay(images[indices], true, predicted, surest, **counts).plot(ax)
    for tile, is_wrong in zip(display.axes_, true != predicted, strict=True):
        tile.title.set(color=VERMILION if is_wrong else "black", fontweight="normal", fontsize=8)
    return ax


def _draw_samples(records: dict[str, Record]) -> Figure:
    """Draw training images, a row for each digit."""
    del records
    images, labels = load_training_images()
    n_columns = 16
    grid = [images[np.flatnonzero(labels == digit)[:n_columns]] for digit in range(10)]
    figure = _new_figure(9.0, 6.0)
    _draw_grid(figure.subplots(), np.array(grid))
    figure.suptitle("Training images by label")
    return figure


def _draw_distorted(records: dict[str, Record]) -> Figure | None:
    """Draw an image of each digit beside copies of it, if a row learned from copies."""
    if not any(record["training"]["augmented_copies"] for record in records.values()):
        return None
    images, labels = load_training_images()
    originals = images[[int(np.argmax(labels == digit)) for digit in range(10)]]
    generator = np.random.default_rng(0)
    figure = _new_figure(6.6, 6.4)
    left, right = figure.subplots(1, 2, width_ratios=(1, 9))
    _draw_grid(left, originals[:, None])
    _draw_grid(right, np.stack([distort(originals, generator) for _ in range(9)], axis=1))
    right.set_yticks([])
    left.set_title("as given", fontsize=10, weight="normal")
    right.set_title("rotated, scaled and shifted", fontsize=10, weight="normal")
    return figure


def _draw_grid(ax: Axes, grid: Any) -> None:
    """Draw images of shape (rows, columns, height, width) as one, labeled by row."""
    n_rows, n_columns, height, width = grid.shape
    padded = np.pad(grid, ((0, 0), (0, 0), (2, 2), (2, 2)))
    ax.imshow(padded.swapaxes(1, 2).reshape(n_rows * (height + 4), n_columns * (width + 4)), cmap="gray_r")
    ax.set_xticks([])
    ax.set_yticks((np.arange(n_rows) + 0.5) * (height + 4), labels=[str(row) for row in range(n_rows)])
    ax.tick_params(length=0, labelsize=12)
    ax.spines[:].set_visible(False)


def _draw_wishes(records: dict[str, Record]) -> Figure | None:
    """Draw the training losses of the first system and of its changes on one axis."""
    chosen = [record for record in records.values() if record["training"]["source"] == "csv"]
    if not chosen:
        return None
    figure = _new_figure(9.6, 4.8)
    ax = figure.subplots()
    for record, color in zip(chosen, cycle(LINE_COLORS), strict=False):
        losses = np.array([run["curves"]["loss"] for run in record["runs"]])
        epochs = record["runs"][0]["curves"]["epoch"]
        change = record["network"] if record["is_wish"] else "as published"
        label = f"{change}\n{_sentence(record)}"
        ax.plot(epochs, losses.mean(axis=0), color=color, label=label, linewidth=2.0)
        ax.fill_between(epochs, losses.min(axis=0), losses.max(axis=0), color=color, alpha=0.15, linewidth=0)
    ax.set(xscale="log", yscale="log", xlabel="passes over the training images", ylabel="training loss")
    for axis, ticks in ((ax.xaxis, (1, 2, 5, 10, 20, 50, 100, 200, 500)), (ax.yaxis, (0.2, 0.3, 0.5, 1, 2))):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    ax.grid(visible=True, alpha=0.2, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title("From scratch, and what its author wished to try", loc="left")
    figure.legend(loc="outside right upper", frameon=False, labelspacing=1.0)
    return figure


def _draw_comparison(records: dict[str, Record]) -> Figure:
    """Draw the test accuracy of every row beside the published one."""
    figure = _new_figure(11.0, 0.5 * len(records) + 1.6)
    ax = figure.subplots()
    for place, record in enumerate(records.values()):
        _draw_comparison_row(ax, -place, record)
    ax.set_xscale("log")
    ax.invert_xaxis()  # less error is further to the right
    low, high = ax.get_xlim()[::-1]
    ticks = [tick for tick in ACCURACY_TICKS if low <= 100 - tick <= high]
    ax.xaxis.set_major_locator(FixedLocator([100 - tick for tick in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticklabels([f"{tick:g} %" for tick in ticks])
    ax.set(yticks=[], ylim=(-len(records) + 0.4, 0.6), xlabel="accuracy on MNIST's 10,000 test images")
    ax.grid(visible=True, axis="x", alpha=0.25, linewidth=0.6)
    ax.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle("Published systems, trained with jaxdigits", x=0.008, ha="left", fontsize=14)
    handles = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", markersize=8, label="jaxdigits, mean over the seeds"),
        Line2D([], [], color=BLUE, alpha=0.5, linewidth=3, label="lowest to highest seed"),
        Line2D([], [], color=VERMILION, marker="|", linestyle="", markersize=14, markeredgewidth=3, label="published"),
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=3, frameon=False)
    return figure


def _draw_comparison_row(ax: Axes, place: float, record: Record) -> None:
    ax.axhline(place, color=GRAY, alpha=0.15, linewidth=0.8, zorder=0)
    errors = [100 * (1 - run["test_accuracy"]) for run in record["runs"]]
    ax.plot([min(errors), max(errors)], [place, place], color=BLUE, alpha=0.5, linewidth=3, solid_capstyle="butt")
    ax.plot(100 - mean_accuracy(record), place, "o", color=BLUE, markersize=8)
    if record["published"] is not None:
        style: dict[str, Any] = {"color": VERMILION, "markersize": 16, "markeredgewidth": 3, "zorder": 1.9}
        ax.plot(100 - record["published"], place, "|", **style)
    beside: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    ax.annotate(record["system"], (0, place), (-8, 6), ha="right", weight="bold", **beside)
    ax.annotate(record["network"], (0, place), (-8, -7), ha="right", color=GRAY, fontsize=8, **beside)
    ax.annotate(f"{mean_accuracy(record):.2f} %", (1, place), (8, 0), color=BLUE, weight="bold", **beside)
    ax.annotate(record["wording"], (1, place), (66, 0), color=VERMILION, **beside)


def _sentence(record: Record) -> str:
    return summarize(record).replace("test ", "test accuracy ", 1)


PICTURES: dict[str, Callable[[dict[str, Record]], Figure | None]] = {
    "comparison": _draw_comparison,
    "samples": _draw_samples,
    "samples-distorted": _draw_distorted,
    "wishes": _draw_wishes,
}
"""Pictures of all rows together, by file name; None where there is nothing to draw."""
