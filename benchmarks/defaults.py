"""What `DigitClassifier()` reaches without any argument.

    python -m benchmarks.defaults             MNIST with 3 seeds, the 8x8 digits with 3: about 4 minutes on 2 cores
    python -m benchmarks.defaults --quick     5,000 images of MNIST, 1 seed: does everything run?

MNIST: one fresh process a seed, raw uint8 pixels, the 60,000 training images; `fit_seconds` holds the start of JAX and
all compilation, `process_seconds` imports and loading too. The 10,000 test images are looked at once a seed.
8x8 digits: scikit-learn's `cross_val_score`, 5 stratified folds, shuffled with the seed and in the order of the file
(where a fold's writers are not in the training part).

It writes `defaults.json` (every run), and from that file alone `defaults.md`. MNIST is found where
`jaxdigits.load_mnist` looks for it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.model_selection import StratifiedKFold, cross_val_score

from benchmarks.results import describe_environment, mean_and_deviation, write_results
from jaxdigits import DigitClassifier, load_digits, load_mnist

RESULTS = Path(__file__).parent / "results"
GATES = {"mnist": 0.990, "digits": 0.985}
GATE_SECONDS = 45.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 if a figure misses its gate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds of each row (default: 3)")
    parser.add_argument("--quick", action="store_true", help="1 seed, 5,000 images")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="DIR", help="where the results go")
    parser.add_argument("--one", type=int, metavar="SEED", help=argparse.SUPPRESS)
    parser.add_argument("--images", type=int, default=60_000, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.one is not None:
        print(json.dumps(fit_mnist(args.one, args.images)))
        return 0
    seeds = range(1 if args.quick else args.seeds)
    images = 5000 if args.quick else args.images
    results = {
        **describe_environment(),
        "gates": {**GATES, "seconds": GATE_SECONDS},
        "mnist": [_in_fresh_process(seed, images) for seed in seeds],
        "digits": [cross_validate(seed) for seed in seeds],
    }
    write_results(args.output / "defaults.json", results)
    page = make_page(results)
    (args.output / "defaults.md").write_text(page, encoding="utf-8")
    print(page)
    return 0 if _passes(results) or args.quick else 1


def fit_mnist(seed: int, n_images: int) -> dict[str, Any]:
    """Fit the default classifier once and look at the test images once."""
    X_train, X_test, y_train, y_test = load_mnist()
    clf = DigitClassifier(random_state=seed)
    began = time.perf_counter()
    clf.fit(X_train[:n_images], y_train[:n_images])
    seconds = time.perf_counter() - began
    n_right = int((clf.predict(X_test) == y_test).sum())
    return {
        "seed": seed,
        "fit_seconds": seconds,
        "n_right": n_right,
        "n_test": len(y_test),
        "accuracy": n_right / len(y_test),
        "epoch_seconds": [record["seconds"] for record in clf.history_],
        "recipe": clf.recipe_,
        "device": clf.device_,
    }


def cross_validate(seed: int) -> dict[str, Any]:
    """Cross-validate the default classifier on the 8x8 digits, shuffled and in the order of the file."""
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    shuffled = cross_val_score(DigitClassifier(random_state=seed), X, y, cv=folds)
    ordered = cross_val_score(DigitClassifier(random_state=seed), X, y, cv=5)
    return {"seed": seed, "shuffled": shuffled.tolist(), "ordered": ordered.tolist()}


def make_page(results: dict[str, Any]) -> str:
    """Write the table from the results alone."""
    mnist, digits = results["mnist"], results["digits"]
    rows = [
        ("MNIST, 10,000 test images, accuracy", _percent([run["accuracy"] for run in mnist])),
        ("MNIST, fit with start of JAX and compilation", _seconds([run["fit_seconds"] for run in mnist])),
        ("MNIST, whole process", _seconds([run["process_seconds"] for run in mnist])),
        ("8x8 digits, 5 folds, shuffled, accuracy", _percent([_mean(run["shuffled"]) for run in digits])),
        ("8x8 digits, 5 folds, order of the file, accuracy", _percent([_mean(run["ordered"]) for run in digits])),
    ]
    machine = results["machine"]
    lines = [
        f"`DigitClassifier()`, mean ± standard deviation over {len(mnist)} seeds; {machine['cores']} cores of "
        f"{machine['processor']}.",
        "",
        "| what | result |",
        "|---|--:|",
        *(f"| {name} | {value} |" for name, value in rows),
    ]
    return "\n".join(lines) + "\n"


def _in_fresh_process(seed: int, n_images: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.defaults", "--one", str(seed), "--images", str(n_images)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    seconds = time.perf_counter() - began
    run: dict[str, Any] = json.loads(done.stdout)
    print(f"MNIST, seed {seed}: {run['accuracy']:.2%} in {run['fit_seconds']:.1f} s", file=sys.stderr)
    return {**run, "process_seconds": seconds}


def _passes(results: dict[str, Any]) -> bool:
    accuracy = _mean([run["accuracy"] for run in results["mnist"]])
    seconds = max(run["fit_seconds"] for run in results["mnist"])
    folds = _mean([_mean(run["shuffled"]) for run in results["digits"]])
    return accuracy >= GATES["mnist"] and seconds <= GATE_SECONDS and folds >= GATES["digits"]


def _mean(values: Sequence[float]) -> float:
    return mean_and_deviation(values)[0]


def _percent(values: Sequence[float]) -> str:
    mean, deviation = mean_and_deviation(values)
    return f"{100 * mean:.2f} ± {100 * deviation:.2f} %"


def _seconds(values: Sequence[float]) -> str:
    mean, deviation = mean_and_deviation(values)
    return f"{mean:.1f} ± {deviation:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
