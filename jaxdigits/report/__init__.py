"""One self-contained HTML page about a fitted classifier: how well it reads, what it misreads, how it was made.

The page needs no network and, but for the click that opens the mistakes of a cell, no script. Everything that comes
from the user is escaped, and the page's own policy lets no other script run.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxdigits.calibration import expected_calibration_error
from jaxdigits.errors import InputError
from jaxdigits.metrics import label_columns, mean_log_loss, rates_by_class, wilson_interval
from jaxdigits.persistence import write_whole
from jaxdigits.plotting import ReliabilityDisplay, RiskCoverageDisplay, TrainingCurvesDisplay
from jaxdigits.report.drawings import draw, drawing_style, encode_pictures, make_axes
from jaxdigits.report.markup import escape, percent, section, table
from jaxdigits.report.values import constructor_call, list_versions, write_value

__all__ = ["write_report"]

MOST_PICTURES = 1200  # of 28 x 28 pixels they take 0.6 MB
MOST_PICTURES_A_CELL = 24
MOST_CLASSES = 40  # in the confusion matrix
SHARES_ANSWERED = (1.0, 0.99, 0.95, 0.9, 0.8)


def write_report(
    clf: Any, X_test: Any, y_test: ArrayLike, path: str | os.PathLike[str], *, images: ArrayLike | None = None
) -> None:
    """Write a report of how well a fitted classifier reads test samples.

    Parameters
    ----------
    clf : object
        A fitted `DigitClassifier`, a pipeline that ends in one, or anything with `predict_proba` and `classes_`; what
        it does not know of its training is left out.
    X_test : array-like of shape (n, ...)
        Samples that it was not trained on, as `clf.predict_proba` takes them.
    y_test : array-like of shape (n,)
        Their true labels.
    path : str or path-like
        Where to write; an existing file is replaced, whole or not at all. About 0.1 to 1 MB.
    images : array-like of shape (n, h, w), default=None
        Pictures of the samples; None shows `X_test` itself where it holds pictures, and else none.

    Raises
    ------
    InputError
        If the samples and labels do not fit together, a label is none of the classes, or the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from sklearn.model_selection import train_test_split
    >>> from jaxdigits import DigitClassifier, load_digits
    >>> from jaxdigits.report import write_report
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> clf = DigitClassifier("linear", random_state=0).fit(X_train, y_train)
    >>> write_report(clf, X_test, y_test, "report.html")
    >>> Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    True
    """
    started = time.perf_counter()
    probabilities = np.asarray(clf.predict_proba(X_test), dtype=np.float64)
    seconds = time.perf_counter() - started
    tested = _Tested(np.asarray(y_test), probabilities, np.asarray(clf.classes_), seconds)
    if not len(tested.labels) or probabilities.shape != (len(tested.labels), len(tested.classes)):
        raise InputError(
            f"y_test must hold a label for each row of X_test, one or more, got {len(tested.labels)} labels and "
            f"probabilities of shape {probabilities.shape}. Give both for the same samples."
        )
    label_columns(tested.labels, tested.classes)  # says so if one is unknown
    learned = clf.steps[-1][1] if hasattr(clf, "steps") else clf
    sections = [
        _summary(tested, learned),
        _curves(learned),
        _confusions(tested),
        _mistakes(tested, X_test if images is None else images, _shape_of(learned)),
        _classes(tested),
        _sureness(tested),
        _timing(tested, learned),
        _making(clf, learned),
    ]
    page = _fill_page(sections, f"{_describe_model(learned)}, read {len(tested.labels):,} samples that it had not seen")
    try:
        write_whole(path, [page.encode()])
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot write {os.fspath(path)!r}: {reason}. Check the folder and its room.") from error


@dataclass(frozen=True)
class _Tested:
    """How samples were read."""

    labels: NDArray[Any]
    probabilities: NDArray[np.float64]
    classes: NDArray[Any]
    seconds: float

    @cached_property
    def predictions(self) -> NDArray[Any]:
        named: NDArray[Any] = self.classes[self.probabilities.argmax(axis=1)]
        return named

    @cached_property
    def wrong(self) -> NDArray[np.intp]:
        """Rows of the mistakes, the surest first."""
        (rows,) = np.nonzero(self.predictions != self.labels)
        ordered: NDArray[np.intp] = rows[np.argsort(-self.probabilities[rows].max(axis=1), kind="stable")]
        return ordered

    @cached_property
    def cells(self) -> dict[tuple[int, int], list[int]]:
        """Rows of the mistakes by columns of the true and the predicted label, the surest first."""
        true, predicted = label_columns(self.labels, self.classes), self.probabilities.argmax(axis=1)
        found: dict[tuple[int, int], list[int]] = {}
        for row in self.wrong.tolist():
            found.setdefault((int(true[row]), int(predicted[row])), []).append(row)
        return dict(sorted(found.items(), key=lambda cell: (-len(cell[1]), cell[0])))


# ---- what stands where ----


def _fill_page(sections: Iterable[str], subtitle: str) -> str:
    script = _read_part("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_read_part("page.html")).substitute(
        title="How well it reads",
        subtitle=escape(subtitle),
        sections="\n".join(filter(None, sections)),
        script=script,
        script_hash=f"sha256-{digest}",
    )


def _read_part(name: str) -> str:
    return (files("jaxdigits.report") / name).read_text(encoding="utf-8")


def _summary(tested: _Tested, learned: Any) -> str:
    n_samples, n_wrong = len(tested.labels), len(tested.wrong)
    low, high = wilson_interval(n_samples - n_wrong, n_samples)
    columns = label_columns(tested.labels, tested.classes)
    loss = mean_log_loss(tested.labels, tested.probabilities, tested.classes)
    error = expected_calibration_error(tested.probabilities, columns)
    cards = [
        ("accuracy", f"{percent(1 - n_wrong / n_samples)}", f"95 % interval {100 * low:.2f} to {100 * high:.2f} %"),
        ("mistakes", f"{n_wrong:,}", f"of {n_samples:,} samples"),
        ("log loss", f"{loss:.4f}", f"nats; guessing is {np.log(len(tested.classes)):.2f}"),
        ("calibration error", f"{100 * error:.2f} %", "mean gap between how sure and how right it is"),
    ]
    if hasattr(learned, "params_"):
        n_weights = sum(array.size for array in learned.params_.values())
        n_bytes = sum(array.nbytes for array in learned.params_.values())
        cards.append(("size", f"{n_weights:,}", f"weights, {n_bytes / 1024:,.0f} KiB"))
    rows = (f"<div><dt>{name}</dt><dd>{value}<small>{words}</small></dd></div>" for name, value, words in cards)
    return f'<dl class="cards">{"".join(rows)}</dl>'


def _curves(learned: Any) -> str:
    history = getattr(learned, "history_", None)
    if not history:
        return ""
    with drawing_style():
        panels = [make_axes((4.4, 3.3))[0] for _ in range(2)]
        TrainingCurvesDisplay.from_history(history, best_epoch=getattr(learned, "best_epoch_", None), ax=panels)
        last = history[-1]
        words = f"after the last epoch {last['loss']:.4f} in training"
        drawn = [
            draw(panels[0].figure, name="loss", words=f"Loss by epoch, {words}"),
            draw(panels[1].figure, name="accuracy", words="Accuracy by epoch"),
        ]
    return section("How it learned", _figures(drawn))


def _confusions(tested: _Tested) -> str:
    shown = _classes_shown(tested)
    counts = np.zeros((len(tested.classes), len(tested.classes)), dtype=np.intp)
    np.add.at(counts, (label_columns(tested.labels, tested.classes), tested.probabilities.argmax(axis=1)), 1)
    names = [escape(label) for label in tested.classes.tolist()]
    most = max((len(rows) for rows in tested.cells.values()), default=1)
    lines = ["<tr><td></td>" + "".join(f'<th scope="col">{names[each]}</th>' for each in shown) + "</tr>"]
    for true in shown:
        cells = "".join(_cell(counts[true, predicted], (true, predicted), names, most) for predicted in shown)
        lines.append(f'<tr><th scope="row">{names[true]}</th>{cells}</tr>')
    left_out = len(names) - len(shown)
    note = f" The {left_out} classes with the fewest mistakes are left out." if left_out else ""
    return section(
        "What it takes for what",
        f"<p>Rows are true labels, columns what was read. Choose a number to see those mistakes below.{note}</p>"
        f'<div class="wide" tabindex="0"><table class="confusion"><thead>{lines[0]}</thead>'
        f"<tbody>{''.join(lines[1:])}</tbody></table></div>",
    )


def _classes_shown(tested: _Tested) -> list[int]:
    """Take all classes, or those with the most mistakes where there are too many."""
    mistakes = np.zeros(len(tested.classes))
    for cell, rows in tested.cells.items():
        mistakes[list(cell)] += len(rows)
    return sorted(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES].tolist())


def _cell(count: int, place: tuple[int, int], names: Sequence[str], most: int) -> str:
    true, predicted = place
    if true == predicted:
        return f'<td class="right">{count}</td>'
    if not count:
        return '<td class="none">0</td>'
    words = f"{names[true]} read as {names[predicted]}: {count:,}"
    share = 0.15 + 0.5 * count / most
    return f'<td><a href="#{_id_of(place)}" aria-label="{words}" style="--share:{share:.2f}">{count}</a></td>'


def _mistakes(tested: _Tested, images: Any, image_shape: tuple[int, int] | None) -> str:
    if not tested.cells:
        return section("What it misread", "<p>Nothing: all of them were read right.</p>", name="mistakes")
    each = max(1, min(MOST_PICTURES_A_CELL, MOST_PICTURES // len(tested.cells)))
    chosen = [row for rows in tested.cells.values() for row in rows[:each]]
    pictures = encode_pictures(images, chosen, image_shape=image_shape)
    boxes = []
    for index, (place, rows) in enumerate(tested.cells.items()):
        true, predicted = (escape(tested.classes.tolist()[column]) for column in place)
        digits = "".join(_tile(tested, row, pictures.get(row)) for row in rows[:each])
        more = f'<p class="note">The {each} surest of {len(rows):,}.</p>' if len(rows) > each else ""
        times = f"{len(rows):,} {'time' if len(rows) == 1 else 'times'}"
        boxes.append(
            f'<details id="{_id_of(place)}"{"" if index else " open"}><summary>{true} read as {predicted}: {times}'
            f'</summary><div class="digits">{digits}</div>{more}</details>'
        )
    words = "<p>The commonest confusion first, and of each the mistakes that it was surest of.</p>"
    return section("What it misread", f'{words}<div class="boxes">{"".join(boxes)}</div>', name="mistakes")


def _tile(tested: _Tested, row: int, picture: str | None) -> str:
    true, predicted = (escape(each[row : row + 1].tolist()[0]) for each in (tested.labels, tested.predictions))
    words = f"{percent(tested.probabilities[row].max())} sure"
    shown = f'<img class="digit" alt="a {true} read as {predicted}, {words}" src="{picture}">' if picture else ""
    return f"<figure>{shown}<figcaption>{words}<br>row {row:,}</figcaption></figure>"


def _classes(tested: _Tested) -> str:
    rows = [
        (each.label, f"{each.n_samples:,}", *map(percent, (each.recall, each.precision, each.f1)))
        for each in rates_by_class(tested.labels, tested.predictions, tested.classes)
    ]
    return section("Class by class", table(rows, header=("class", "samples", "recall", "precision", "F1")))


def _sureness(tested: _Tested) -> str:
    """Tell and draw how sure it may be, and what is won where it abstains."""
    with drawing_style():
        panels = make_axes((4.4, 4.6), heights=[3.2, 1.0])
        ReliabilityDisplay.from_predictions(tested.labels, tested.probabilities, tested.classes, ax=panels)
        (coverage,) = make_axes((4.4, 3.6))
        curve = RiskCoverageDisplay.from_predictions(tested.labels, tested.probabilities, tested.classes, ax=coverage)
        drawn = [
            draw(
                panels[0].figure,
                name="reliability",
                words="Share read right, and number of samples, by how sure it was",
            ),
            draw(coverage.figure, name="coverage", words="Share of wrong answers by share answered, the surest first"),
        ]
    rows = []
    for share in SHARES_ANSWERED:
        at = min(int(np.searchsorted(curve.coverage, share - 1e-12)), len(curve.coverage) - 1)
        rows.append((f"{percent(curve.coverage[at])}", f"{curve.thresholds[at]:.4f}", f"{percent(curve.risk[at])}"))
    words = (
        "<p>If it answers only where it is sure, fewer answers are wrong. To choose a threshold, use samples that are "
        "neither these nor those it was trained on: <code>rejection_threshold</code> does so for a stated risk.</p>"
    )
    bounds = table(rows, header=("answered", "probability of at least", "wrong among them"))
    return section("How sure it may be", _figures(drawn) + words + bounds)


def _timing(tested: _Tested, learned: Any) -> str:
    n_samples = len(tested.labels)
    pace = f"{tested.seconds:.2f} s for {n_samples:,} samples, with compilation if it was the first"
    rows = [("reading the test", f'<span class="time">{pace}</span>')]
    history = getattr(learned, "history_", None)
    if history:
        seconds = sum(record.get("seconds") or 0.0 for record in history)
        rows.insert(0, ("training", f'<span class="time">{seconds:.1f} s in {len(history)} epochs</span>'))
    now = datetime.now(UTC)
    rows.append(("written", f'<time class="time" datetime="{now:%Y-%m-%dT%H:%M:%SZ}">{now:%Y-%m-%d %H:%M} UTC</time>'))
    return section("Time", table(rows, markup=True))


def _making(clf: Any, learned: Any) -> str:
    """Tell what the classifier was made of and how to make it again."""
    recipe = getattr(learned, "recipe_", None) or {}
    parts = []
    if hasattr(learned, "get_params"):
        seed = getattr(learned, "random_state", None)
        note = (
            f"The same seed, {escape(seed)}, with the same data, versions and machine gives the same weights on a CPU."
            if seed is not None
            else "No seed was set: another fit gives other weights. Set <code>random_state</code> to fix them."
        )
        parts.append(f"<pre><code>{escape(constructor_call(clf))}</code></pre><p>{note}</p>")
    if recipe:
        parts.append(
            "<h3>What every parameter became</h3>" + table((name, write_value(value)) for name, value in recipe.items())
        )
    versions = list_versions() | ({"trained on": learned.device_} if hasattr(learned, "device_") else {})
    parts.append("<h3>Versions</h3>" + table(versions.items()))
    return section("How to make it again", "".join(parts))


def _id_of(place: tuple[int, int]) -> str:
    return f"cell-{place[0]}-{place[1]}"


def _figures(drawn: Iterable[str]) -> str:
    return f'<div class="figures">{"".join(f"<figure>{each}</figure>" for each in drawn)}</div>'


def _describe_model(learned: Any) -> str:
    recipe = getattr(learned, "recipe_", None) or {}
    model = recipe.get("model")
    kind = type(learned).__name__
    return kind if model is None else f"{kind} with model {write_value(model).strip(chr(39))}"


def _shape_of(learned: Any) -> tuple[int, int] | None:
    return getattr(learned, "image_shape_", None)
