"""How accurate networks of this library become, and what each part of the recipe is worth.

    python -m benchmarks.bench_accuracy                             all: about an hour and a half on 2 cores
    python -m benchmarks.bench_accuracy --parts ablation budget     these parts only
    python -m benchmarks.bench_accuracy --quick --output FOLDER     does everything run?
    python -m benchmarks.bench_accuracy --draw                      measure nothing: the page again

`ablation`: short runs on 50,000 of MNIST's training images, judged by the other 10,000; one part of the recipe is
changed at a time. `budget`: what `max_seconds` makes of a time budget, judged by the same 10,000. `test`: the recipe
`jaxdigits.core.recipes.RECIPES["accurate"]`, trained on all 60,000 images in a fresh process for each seed; the test
images are looked at once a seed, singly and in ensembles. The recipe was chosen on the split.

A run that was stopped goes on where it stood when the same command is given again. MNIST is found where
`jaxdigits.load_mnist` looks for it. It writes `accuracy.json`, and from that file alone `accuracy.md` and
`accuracy-summary.md`, which holds what was measured on the test images.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks.results import TOP_FOLDER, describe_environment, mean_and_deviation, read_results, write_results
from jaxdigits import DigitClassifier, JaxDigitsError, load_mnist
from jaxdigits.core.augmentation import AUGMENTATIONS
from jaxdigits.core.recipes import RECIPES
from jaxdigits.data.resampling import VIEWS, make_views

__all__ = ["CHANGES", "main", "make_page", "make_summary"]

RESULTS = Path(__file__).parent / "results"
RECIPE = RECIPES["accurate"]
PARTS = ("ablation", "budget", "test")
N_HELD_OUT = 10_000
SHORT = 3  # epochs of a run of the ablation
SEEDS = {"ablation": 3, "budget": 2, "test": 5}
BUDGETS = (15, 30, 60, 120)  # seconds
QUICK = {"images": 800, "epochs": 1, "seeds": 1, "budgets": (4,), "changes": 2}

Probabilities = NDArray[np.float64]


def _without(name: str) -> tuple[str, ...]:
    return tuple(each for each in RECIPE["augment"] if each != name)


CHANGES: dict[str, dict[str, Any]] = {
    "the recipe": {},
    "no augmentation": {"augment": None},
    **{f"without {name}": {"augment": _without(name)} for name in RECIPE["augment"]},
    **{
        f"with {name}": {"augment": (*RECIPE["augment"], name)}
        for name in AUGMENTATIONS
        if name not in RECIPE["augment"]
    },
    "weights averaged": {"average_weights": True},
    "AdamW in the place of Muon": {"optimizer": "adamw"},
    "no label smoothing": {"label_smoothing": 0.0},
    "dropout of 0.3": {"dropout": 0.3},
    "channels 48 and 96": {"channels": (48, 96)},
    "twice as long": {"max_epochs": 2 * SHORT},
}
"""What is changed in a run of the ablation -> parameters of `DigitClassifier` in the place of the recipe's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 2 if MNIST cannot be had or there is nothing to draw; 130 after Ctrl-C.
    """
    args = _parse(arguments)
    path = args.output / "accuracy.json"
    try:
        if args.one is not None:
            _train_one(*args.one)
            return 0
        results = read_results(path)
        if not args.draw:
            _measure(results, args, path)
        if not any(results.get(part) for part in PARTS):
            print(f"{path} holds no figures yet, expected some to draw. Run without --draw first.", file=sys.stderr)
            return 2
        page = make_page(results)
        path.with_suffix(".md").write_text(page, encoding="utf-8")
        path.with_name(f"{path.stem}-summary.md").write_text(make_summary(results), encoding="utf-8")
        print(page)
    except JaxDigitsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; give the same command again to go on.", file=sys.stderr)
        return 130
    return 0


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
    settings = ", ".join(f"{name}={_as_tuple(value)!r}" for name, value in results["recipe"].items())
    lines = ["# Accuracy", "", f"`DigitClassifier({settings})`, on {machine['cores']} cores of {machine['processor']}."]
    if results.get("test"):
        lines += _page_test(results["test"])
    return "\n".join(lines) + "\n"


def _page_test(runs: dict[str, Any]) -> list[str]:
    singles = list(runs["seeds"].values())
    seconds = [run["seconds"] for run in singles]
    rows = [
        (f"one network, mean ± standard deviation of {len(singles)} seeds", [run["accuracy"] for run in singles]),
        ("the same, over 9 views of each image", [run["views"] for run in singles]),
    ]
    together = runs.get("together")
    if together:
        rows += [
            (f"ensemble of the {together['n']}", [together["accuracy"]]),
            (f"ensemble of the {together['n']}, over 9 views", [together["views"]]),
        ]
    return [
        "",
        "MNIST's 10,000 test images, trained on all 60,000 training images, "
        f"{min(seconds):.0f} to {max(seconds):.0f} s a fit, start of JAX and compilation included.",
        "",
        "| what | accuracy |",
        "|---|--:|",
        *(f"| {name} | {_percent(values)} |" for name, values in rows),
    ]


def _page_ablation(results: dict[str, Any]) -> list[str]:
    ablation = results["ablation"]
    base = [run["accuracy"] for run in ablation["the recipe"].values()]
    lines = [
        "",
        f"What each part is worth, in runs of {results['short']} epochs on 50,000 training images; accuracy on "
        f"the other 10,000, mean ± standard deviation of {len(base)} seeds, difference from the first row in points.",
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


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="which tables (default: all)")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where results go (default: {RESULTS})")
    parser.add_argument("--quick", action="store_true", help="800 images, 1 epoch, 1 seed; needs --output")
    parser.add_argument("--restart", action="store_true", help="train anew what the results already hold")
    parser.add_argument("--draw", action="store_true", help="train nothing: make the page again")
    parser.add_argument("--one", nargs=4, metavar=("KIND", "VALUE", "IMAGES", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.quick and args.output is None:
        parser.error("--quick needs --output DIR: its figures must not replace the real ones")
    args.output = args.output or RESULTS
    return args


def _measure(results: dict[str, Any], args: argparse.Namespace, path: Path) -> None:
    """Train what the results lack, and write them after every run."""
    environment = describe_environment()
    if environment not in results["environments"]:
        results["environments"].append(environment)
    results.pop("rows", None)
    recipe = {name: list(value) if isinstance(value, tuple) else value for name, value in RECIPE.items()}
    if args.restart or results.get("recipe", recipe) != recipe:
        print("The recipe has changed, or all shall be new: earlier runs are dropped.", file=sys.stderr)
        results.clear()
        results["environments"] = [environment]
    results.update(recipe=recipe, short=SHORT, quick=args.quick)
    for part, measure in (("test", _run_test), ("ablation", _run_ablation), ("budget", _run_budget)):
        if part in args.parts:
            measure(results, args.quick, path)


def _run_ablation(results: dict[str, Any], quick: bool, path: Path) -> None:
    images, held_out, labels, held_labels = _split(QUICK["images"] if quick else None)
    views = make_views(held_out.astype(np.float32) / 255, len(VIEWS)) * 255
    record = results.setdefault("ablation", {})
    told: dict[str, list[Probabilities]] = {"alone": [], "views": []}
    for name, changes in list(CHANGES.items())[: QUICK["changes"] if quick else None]:
        runs = record.setdefault(name, {})
        for seed in range(QUICK["seeds"] if quick else SEEDS["ablation"]):
            if str(seed) in runs:
                continue
            settings = {**RECIPE, "max_epochs": QUICK["epochs"] if quick else SHORT, **changes}
            classifier = DigitClassifier(**settings, random_state=seed)
            began = time.perf_counter()
            classifier.fit(images, labels)
            seconds = time.perf_counter() - began
            alone, viewed = _tell(classifier, held_out, views)
            runs[str(seed)] = {
                "accuracy": _score(alone, held_labels),
                "views": _score(viewed, held_labels),
                "seconds": round(seconds, 1),
            }
            write_results(path, results)
            _say(f"{name}, seed {seed}: {runs[str(seed)]}")
            if not changes:
                told["alone"].append(alone)
                told["views"].append(viewed)
        if not changes and told["alone"]:
            n = len(told["alone"])
            results["ablation_together"] = {
                f"ensemble of {n} seeds": _score(sum(told["alone"]), held_labels),
                f"ensemble of {n} seeds, over 9 views": _score(sum(told["views"]), held_labels),
            }


def _run_budget(results: dict[str, Any], quick: bool, path: Path) -> None:
    record = results.setdefault("budget", {})
    for allowed in QUICK["budgets"] if quick else BUDGETS:
        runs = record.setdefault(str(allowed), {})
        for seed in range(QUICK["seeds"] if quick else SEEDS["budget"]):
            if str(seed) not in runs:
                found = _in_fresh_process("budget", f"{allowed}:{seed}", quick)
                runs[str(seed)] = {
                    "seconds": round(float(found["seconds"]), 2),
                    "epochs": float(found["epochs"]),
                    "accuracy": _score(found["alone"], found["labels"]),
                }
                write_results(path, results)
                _say(f"{allowed} s, seed {seed}: {runs[str(seed)]}")


def _run_test(results: dict[str, Any], quick: bool, path: Path) -> None:
    record = results.setdefault("test", {"seeds": {}})
    n_seeds = QUICK["seeds"] if quick else SEEDS["test"]
    if len(record["seeds"]) >= n_seeds:
        return
    record["seeds"] = {}  # an ensemble needs them all
    alone: list[Probabilities] = []
    views: list[Probabilities] = []
    for seed in range(n_seeds):
        found = _in_fresh_process("test", str(seed), quick)
        alone.append(found["alone"])
        views.append(found["views"])
        labels = found["labels"]
        record["seeds"][str(seed)] = {
            "accuracy": _score(alone[-1], labels),
            "views": _score(views[-1], labels),
            "seconds": round(float(found["seconds"]), 1),
        }
        record["together"] = {
            "n": len(alone),
            "accuracy": _score(sum(alone), labels),
            "views": _score(sum(views), labels),
        }
        write_results(path, results)
        _say(f"test, seed {seed}: {record['seeds'][str(seed)]}")


def _in_fresh_process(kind: str, value: str, quick: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "told.npz"
        words = [kind, value, str(QUICK["images"] if quick else 0), str(path)]
        command = [sys.executable, "-m", "benchmarks.bench_accuracy", "--one", *words]
        subprocess.run(command, check=True, cwd=TOP_FOLDER)
        with np.load(path) as told:
            return dict(told)


def _train_one(kind: str, value: str, n_images: str, path: str) -> None:
    """Train one network, and write what it says of the images that it is judged by."""
    quick = int(n_images) or None
    settings = {**RECIPE, **({"max_epochs": QUICK["epochs"]} if quick else {})}
    if kind == "budget":
        allowed, seed = value.split(":")
        del settings["max_epochs"]
        settings["max_seconds"] = float(allowed)
        images, held_out, labels, held_labels = _split(quick)
    else:
        seed = value
        images, held_out, labels, held_labels = (array[:quick] for array in load_mnist())
    classifier = DigitClassifier(**settings, random_state=int(seed))
    began = time.perf_counter()
    classifier.fit(images, labels)
    seconds = time.perf_counter() - began
    alone, viewed = _tell(classifier, held_out, make_views(held_out.astype(np.float32) / 255, len(VIEWS)) * 255)
    np.savez(path, alone=alone, views=viewed, labels=held_labels, seconds=seconds, epochs=classifier.n_epochs_)


def _split(n_images: int | None) -> Any:
    """Hold out training images to choose by."""
    images, _, labels, _ = load_mnist()
    images, labels = images[:n_images], labels[:n_images]
    held_out = N_HELD_OUT if n_images is None else n_images // 4
    return train_test_split(images, labels, test_size=held_out, stratify=labels, random_state=0)


def _tell(classifier: DigitClassifier, images: Any, views: Any) -> tuple[Probabilities, Probabilities]:
    """Give the probabilities of images as they are, and their mean over slightly moved and scaled views."""
    alone: Probabilities = classifier.predict_proba(images)
    viewed: Probabilities = sum(classifier.predict_proba(view) for view in views)  # type: ignore[assignment]
    return alone, viewed / len(views)


def _score(probabilities: Any, labels: Any) -> float:
    return float(np.mean(np.asarray(probabilities).argmax(axis=1) == labels))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
