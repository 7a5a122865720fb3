"""Train what others published, as they published it, and print their figures beside ours.

    python -m benchmarks.published                            all rows, 5 or 20 seeds: over an hour on 2 cores
    python -m benchmarks.published --quick --output FOLDER    2,000 images and 1 epoch: does everything run?
    python -m benchmarks.published --rows cnn lenet5          these rows only

A run that was stopped goes on where it stood when the same command is given again: results are kept after every seed.
MNIST is found where `jaxdigits.load_mnist` looks for it.

It writes `published.json` (every run), and from that file alone `published.md` (the table) and `published/*.png`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, log_loss

from benchmarks.pictures import draw_pictures
from benchmarks.results import describe_environment, read_results, write_results
from benchmarks.samples import Parts, draw_parts, load_test_images
from benchmarks.systems import ROWS, Row
from benchmarks.table import describe_run, make_page, summarize
from jaxdigits import DigitClassifier, JaxDigitsError

__all__ = ["main", "train_once"]

RESULTS = Path(__file__).parent / "results"
CURVE_POINTS = 50
CURVES = ("loss", "accuracy", "validation_loss", "validation_accuracy")
N_MISTAKES = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 2 if MNIST or the device cannot be had; 130 after Ctrl-C.
    """
    args = _parse(arguments)
    rows = [row.quick() if args.quick else row for row in ROWS if row.name in args.rows]
    path = args.output / "published.json"
    try:
        results = {"environments": [], "rows": {}} if args.restart else read_results(path)
        if not args.draw:
            _train_rows(rows, args, results, path)
        if not any(record["runs"] for record in results["rows"].values()):
            print(f"{path} holds no runs yet, expected some to draw. Run without --draw first.", file=sys.stderr)
            return 2
        page = make_page(results)
        path.with_suffix(".md").write_text(page, encoding="utf-8")
        print(f"\n{page}")
        pictures = draw_pictures(results, path.with_suffix(""))
        print(f"{len(pictures)} pictures in {path.with_suffix('')}")
    except JaxDigitsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; give the same command again to go on.", file=sys.stderr)
        return 130
    return 0


def train_once(row: Row, seed: int, *, device: str | None = None) -> dict[str, Any]:
    """Train a row's network once and measure it.

    Parameters
    ----------
    row : Row
        What to train.
    seed : int
        Decides the split, the initial weights and the order of the images.
    device : {"cpu", "gpu", "tpu"} or None, default=None
        Where to train; None takes JAX's default.

    Returns
    -------
    dict
        Figures, learning curves, and what became of the test images; JSON-able.
    """
    parts = draw_parts(row, seed)
    classifier = DigitClassifier(**row.parameters(), device=device, random_state=seed)
    started = time.perf_counter()
    classifier.fit(parts.images, parts.labels, X_val=parts.validation_images, y_val=parts.validation_labels)
    seconds = time.perf_counter() - started
    train_accuracy, train_loss, _ = _measure(classifier, *_without_copies(row, parts))
    images, labels = load_test_images()
    test_accuracy, test_loss, probabilities = _measure(classifier, images, labels)
    return {
        "seed": seed,
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "train_accuracy": train_accuracy,
        "train_loss": train_loss,
        "validation_accuracy": classifier.history_[-1]["validation_accuracy"],
        "n_train": len(parts.images),
        "n_weights": sum(array.size for array in classifier.params_.values()),
        "seconds": round(seconds, 2),
        "curves": _thin_out(classifier.history_),
        "confusion_matrix": confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(10)).tolist(),
        "digits": _choose_digits(labels, probabilities),
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__.splitlines()[0])
    names = [row.name for row in ROWS]
    parser.add_argument(
        "--rows", nargs="+", choices=names, default=names, metavar="NAME", help=f"of {', '.join(names)} (default: all)"
    )
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="seeds a row (default: 5, 20 for dense networks, 1 with --quick)"
    )
    parser.add_argument("--device", choices=("cpu", "gpu", "tpu"), help="where to train (default: JAX's choice)")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where results go (default: {RESULTS})")
    parser.add_argument("--quick", action="store_true", help="2,000 images, 1 epoch, 1 seed; needs --output")
    parser.add_argument("--restart", action="store_true", help="train anew what the results already hold")
    parser.add_argument("--draw", action="store_true", help="train nothing: make table and pictures again")
    args = parser.parse_args(arguments)
    if args.quick and args.output is None:
        parser.error("--quick needs --output DIR: its figures must not replace the real ones")
    args.output = args.output or RESULTS
    if args.seeds is not None and args.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {args.seeds}")
    return args


def _train_rows(rows: Sequence[Row], args: argparse.Namespace, results: dict[str, Any], path: Path) -> None:
    """Train what the results lack, and write them after every run."""
    environment = _note_environment(results, args.device)
    for number, row in enumerate(rows, 1):
        print(f"\n{number} of {len(rows)}  {row.name}: {row.network}", flush=True)
        record = _find_record(results, row)
        done = {run["seed"] for run in record["runs"]}
        for seed in (seed for seed in range(args.seeds or row.n_seeds) if seed not in done):
            run = train_once(row, seed, device=args.device)
            record["runs"].append({**run, "environment": environment})
            write_results(path, results)
            print(f"  seed {seed}: {describe_run(run)}", flush=True)
            if row.is_full_batch and seed == 0:
                print(_describe_progress(run["curves"]), flush=True)
        print(f"  {summarize(record)}", flush=True)


def _find_record(results: dict[str, Any], row: Row) -> dict[str, Any]:
    """Find a row's runs; those that were trained otherwise are dropped."""
    plain = row.to_plain()
    record: dict[str, Any] = results["rows"].setdefault(row.name, {**plain, "runs": []})
    if record["training"] != plain["training"]:
        print("  its settings have changed: earlier runs are dropped", flush=True)
        record["runs"] = []
    record.update(plain)
    # In the order of the list, whatever was trained first.
    results["rows"] = {each.name: results["rows"][each.name] for each in ROWS if each.name in results["rows"]}
    return record


def _note_environment(results: dict[str, Any], device: str | None) -> int:
    """Return the position of this machine, these versions and this commit among those of the results."""
    environment = describe_environment(device)
    if environment not in results["environments"]:
        results["environments"].append(environment)
    position: int = results["environments"].index(environment)
    return position


def _without_copies(row: Row, parts: Parts) -> tuple[Any, Any]:
    n_originals = len(parts.images) // (1 + row.augmented_copies)
    return parts.images[:n_originals], parts.labels[:n_originals]


def _measure(classifier: DigitClassifier, images: Any, labels: Any) -> tuple[float, float, Any]:
    probabilities = classifier.predict_proba(images)
    accuracy = float(np.mean(classifier.classes_[probabilities.argmax(axis=1)] == labels))
    return accuracy, float(log_loss(labels, probabilities, labels=classifier.classes_)), probabilities


def _thin_out(history: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Keep the first epoch and about 50 evenly spaced ones, curve by curve."""
    stride = max(1, len(history) // CURVE_POINTS)
    kept = [record for record in history if record["epoch"] == 1 or record["epoch"] % stride == 0]
    curves: dict[str, list[float]] = {"epoch": [record["epoch"] for record in kept]}
    return curves | {name: [float(f"{record[name]:.5g}") for record in kept] for name in CURVES}


def _describe_progress(curves: dict[str, list[float]]) -> str:
    points = zip(curves["epoch"], curves["accuracy"], strict=True)
    shown = [f"{epoch}: {100 * accuracy:.1f} %" for epoch, accuracy in points if epoch % 50 == 0]
    return f"  training accuracy at iteration {', '.join(shown)}"


def _choose_digits(labels: Any, probabilities: Any) -> dict[str, list[list[float]]]:
    """Choose test images to show: the first of each digit, and the mistakes that were surest."""
    predictions, surest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    first = [int(np.argmax(labels == digit)) for digit in range(10)]
    wrong = np.flatnonzero(predictions != labels)
    worst = wrong[np.argsort(-surest[wrong], kind="stable")][:N_MISTAKES]

    def describe(indices: Any) -> list[list[float]]:
        return [[int(i), int(labels[i]), int(predictions[i]), float(surest[i])] for i in indices]

    return {"first": describe(first), "mistakes": describe(worst)}


if __name__ == "__main__":
    sys.exit(main())
