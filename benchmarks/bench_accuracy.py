"""How accurate networks of this library become, and what each part of the recipe is worth.

    python -m benchmarks.bench_accuracy                             all: about two and a half hours on 2 cores
    python -m benchmarks.bench_accuracy --parts ablation budget     these parts only
    python -m benchmarks.bench_accuracy --quick --output FOLDER     does everything run?
    python -m benchmarks.bench_accuracy --draw                      measure nothing: the page again

`ablation`: short runs on 50,000 of MNIST's training images, judged by the other 10,000; one part of the recipe is
changed at a time. `budget`: what `max_seconds` makes of a time budget, judged by the same 10,000. `test`: the recipes
"accurate" and "best" of `jaxdigits.core.recipes.RECIPES`, trained on all 60,000 images in a fresh process for each
seed, as many at a time as there are cores and each on one of them; the test images are looked at once a seed, singly
and in ensembles. The recipes were chosen on the split.

A run that was stopped goes on where it stood when the same command is given again. MNIST is found where
`jaxdigits.load_mnist` looks for it. It writes `accuracy.json`, and from that file alone `accuracy.md` and
`accuracy-summary.md`, which holds what was measured on the test images.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks.accuracy_page import make_page, make_summary
from benchmarks.results import TOP_FOLDER, describe_environment, read_results, write_results
from jaxdigits import DigitClassifier, JaxDigitsError, load_mnist
from jaxdigits.core.augmentation import AUGMENTATIONS
from jaxdigits.core.recipes import RECIPES
from jaxdigits.data.resampling import VIEWS, make_views

__all__ = ["CHANGES", "main"]

RESULTS = Path(__file__).parent / "results"
RECIPE = RECIPES["accurate"]
TESTED = ("best", "accurate")  # the longer first, so that no core waits at the end
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


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="which tables (default: all)")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where results go (default: {RESULTS})")
    parser.add_argument("--quick", action="store_true", help="800 images, 1 epoch, 1 seed; needs --output")
    parser.add_argument("--restart", action="store_true", help="train anew what the results already hold")
    parser.add_argument("--draw", action="store_true", help="train nothing: make the page again")
    parser.add_argument("--one", nargs=5, metavar=("KIND", "VALUE", "IMAGES", "CORE", "FILE"), help=argparse.SUPPRESS)
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
    recipe = _as_plain(RECIPE)
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
    n_seeds = QUICK["seeds"] if quick else SEEDS["test"]
    record = results.setdefault("test", {})
    kept = path.with_name("told")  # an ensemble needs them all, and a run may be stopped
    cores: queue.Queue[int | None] = queue.Queue()
    for core in sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]:
        cores.put(core)

    def train(name: str, seed: int) -> None:
        file = kept / f"{name}-{seed}-{_key(name)}.npz"
        if file.exists():
            return
        core = cores.get()
        try:
            found = _in_fresh_process(name, str(seed), quick, core)
        finally:
            cores.put(core)
        kept.mkdir(exist_ok=True)
        np.savez(file.with_suffix(".part.npz"), **found)
        file.with_suffix(".part.npz").replace(file)
        _say(f"{name}, seed {seed}: {_score(found['alone'], found['labels'])}")

    wanted = [name for name in TESTED if len(record.get(name, {}).get("seeds", ())) < n_seeds or _is_new(record, name)]
    with ThreadPoolExecutor(cores.qsize()) as lanes:
        for run in as_completed([lanes.submit(train, name, seed) for name in wanted for seed in range(n_seeds)]):
            run.result()
    for name in wanted:
        told = [dict(np.load(kept / f"{name}-{seed}-{_key(name)}.npz")) for seed in range(n_seeds)]
        record[name] = {"recipe": _as_plain(RECIPES[name]), "at_a_time": cores.qsize(), **_judge(told)}
    write_results(path, results)
    shutil.rmtree(kept, ignore_errors=True)


def _judge(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Score networks of several seeds, singly and together."""
    labels = told[0]["labels"]
    seeds = {
        str(seed): {
            "accuracy": _score(each["alone"], labels),
            "views": _score(each["views"], labels),
            "seconds": round(float(each["seconds"]), 1),
        }
        for seed, each in enumerate(told)
    }
    together = {kind: _score(sum(each[kind] for each in told), labels) for kind in ("alone", "views")}
    return {"seeds": seeds, "together": {"n": len(told), "accuracy": together["alone"], "views": together["views"]}}


def _is_new(record: dict[str, Any], name: str) -> bool:
    return bool(record[name]["recipe"] != _as_plain(RECIPES[name]))


def _as_plain(recipe: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in recipe.items()}


def _key(name: str) -> str:
    return hashlib.sha256(repr(RECIPES[name]).encode()).hexdigest()[:8]


def _in_fresh_process(kind: str, value: str, quick: bool, core: int | None = None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "told.npz"
        words = [kind, value, str(QUICK["images"] if quick else 0), "all" if core is None else str(core), str(path)]
        command = [sys.executable, "-m", "benchmarks.bench_accuracy", "--one", *words]
        subprocess.run(command, check=True, cwd=TOP_FOLDER)
        with np.load(path) as told:
            return dict(told)


def _train_one(kind: str, value: str, n_images: str, core: str, path: str) -> None:
    """Train one network, and write what it says of the images that it is judged by."""
    if core != "all":
        os.sched_setaffinity(0, {int(core)})  # before JAX counts the cores
    quick = int(n_images) or None
    settings = {**RECIPES.get(kind, RECIPE), **({"max_epochs": QUICK["epochs"]} if quick else {})}
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
