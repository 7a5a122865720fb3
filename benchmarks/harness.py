"""The harness of every question of speed: who is measured, in which order, and what is kept.

Libraries take turns, round by round, so that a busy minute hits all of them, and each round begins with another one.
Every measurement is a process of its own (`benchmarks.worker`). Raw figures go to `results/QUESTION.json` after each,
with the machine, versions and commit, and the page is made from that file alone (`benchmarks.speed_page`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import samples
from benchmarks.results import read_results, write_results
from benchmarks.speed_page import make_page
from benchmarks.worker import MARK, Arrays
from jaxdigits import JaxDigitsError

__all__ = ["FLOOR", "Measure", "Question", "Target", "Variant", "main", "measure"]

TOP_FOLDER = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
ROUNDS = 5
QUICK_IMAGES = 2000
LIMIT_SECONDS = 1800
FLOOR = "floor"
# What would make a start less cold, or a comparison unequal.
SILENCED = (
    "JAX_COMPILATION_CACHE_DIR",
    "XLA_FLAGS",
    "OMP_NUM_THREADS",
    "NPROC",
    "PJRT_NPROC",
    "PYTHONPROFILEIMPORTTIME",
)

PageMaker = Callable[[dict[str, Any], Path], str]


@dataclass(frozen=True)
class Variant:
    """A row: a library, or a way of using it.

    Parameters
    ----------
    name : str
        How the table calls it.
    call : str
        "module:function" of what is measured; it takes the settings.
    settings : dict, default={}
        Added to those of the question.
    needs : tuple of str, default=()
        Distributions without which the row can't be measured.
    devices : tuple of str, default=("cpu", "gpu")
        Where it runs.
    is_ours : bool, default=False
        Whether it is jaxdigits.
    rounds : int or None, default=None
        Rounds of its own; None takes the question's.
    """

    name: str
    call: str
    settings: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu", "gpu")
    is_ours: bool = False
    rounds: int | None = None


@dataclass(frozen=True)
class Measure:
    """A column: the key of a figure, its title, and how it is written."""

    key: str
    title: str
    digits: int = 2
    factor: float = 1.0


@dataclass(frozen=True)
class Target:
    """What a row should reach.

    `against` names another row, or "best peer", and the figures are how many times as fast as that the row must be at
    least; with "floor" they are how many times the floor it may take at most, with None they are the most it may be.
    """

    row: str
    against: str | None
    must: float | None
    aim: float | None
    measure: str | None = None


@dataclass(frozen=True)
class Question:
    """A table: what is asked, of whom, and what counts as an answer.

    Parameters
    ----------
    name : str
        Of the result file.
    title, text : str
        Of the page.
    variants : tuple of Variant
        The rows.
    measures : tuple of Measure
        The columns; the first is what is compared. "wall_seconds" is the life of the process.
    settings, quick : dict
        What all rows are given, and what `--quick` puts in its place.
    gate : float or None
        Accuracy that a row must reach to count.
    tolerance : float or None
        How much less accurate than the best row a row may be.
    gate_on_mean : bool, default=False
        Whether the mean must pass the gate, not the median.
    operations : float or None
        Floating-point operations of the work, for a row with the machine's floor.
    targets : tuple of Target
        What was promised.
    rounds : int
        How often everyone takes a turn.
    prepare : str or None
        "module:function" that is called once before.
    minutes : float
        How long it takes on two quiet cores.
    is_compared : bool, default=True
        Whether the rows do the same work, so that ratios between them mean something.
    """

    name: str
    title: str
    text: str
    variants: tuple[Variant, ...]
    measures: tuple[Measure, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)
    gate: float | None = None
    tolerance: float | None = None
    gate_on_mean: bool = False
    operations: float | None = None
    targets: tuple[Target, ...] = ()
    rounds: int = ROUNDS
    prepare: str | None = None
    minutes: float = 1.0
    is_compared: bool = True


def main(question: Question, arguments: Sequence[str] | None = None, *, make: PageMaker | None = None) -> int:
    """Measure one question from the command line.

    Parameters
    ----------
    question : Question
        What to ask.
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.
    make : callable or None, default=None
        (results, path of the page) -> page; None takes `benchmarks.speed_page.make_page`.

    Returns
    -------
    status : int
        0; 2 if the images or the device cannot be had; 130 after Ctrl-C.
    """
    args = _parse(question, arguments)
    path = args.output / f"{question.name}{'' if args.device == 'cpu' else '-gpu'}.json"
    try:
        if not args.draw:
            _measure_all(question, args, path)
        results = read_results(path)
        if not results["rows"]:
            print(f"{path} holds no runs yet, expected some to draw. Run without --draw first.", file=sys.stderr)
            return 2
    except JaxDigitsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; give the same command again to go on.", file=sys.stderr)
        return 130
    page = make_page(results) if make is None else make(results, path.with_suffix(".md"))
    path.with_suffix(".md").write_text(page, encoding="utf-8")
    print(f"\n{page}")
    return 0


def measure(call: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Call a function in a process of its own.

    Parameters
    ----------
    call : str
        "module:function".
    settings : dict
        JSON-able.

    Returns
    -------
    dict
        What it returned, and `wall_seconds`, the life of the process; `others`, the share of the processors that
        processes took which have nothing to do with it, where the system tells. `missing` alone says why there are
        no figures.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SILENCED}
    command = [sys.executable, "-m", "benchmarks.worker", call, json.dumps(settings)]
    busy, own, began = _busy_seconds(), _own_seconds(), time.perf_counter()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=TOP_FOLDER,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"not done after {LIMIT_SECONDS} s"}
    seconds = time.perf_counter() - began
    line = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if done.returncode or line is None:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit status {done.returncode}"]
        return {"missing": f"failed: {last[0].strip()[:200]}"}
    figures: dict[str, Any] = {"wall_seconds": seconds, **json.loads(line.removeprefix(MARK))}
    if busy is not None:
        others = (_busy_seconds() or 0.0) - busy - (_own_seconds() - own)
        figures["others"] = round(max(0.0, others / seconds / (os.cpu_count() or 1)), 3)
    return figures


def _parse(question: Question, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.bench_{question.name}", description=question.title)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="where to run (default: cpu)")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"turns of everyone (default: {question.rounds})")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="rows whose names hold one of these words")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where results go (default: {RESULTS})")
    parser.add_argument("--quick", action="store_true", help="little work, one round; needs --output")
    parser.add_argument("--restart", action="store_true", help="measure anew what the results already hold")
    parser.add_argument("--draw", action="store_true", help="measure nothing: make the page again")
    args = parser.parse_args(arguments)
    if args.quick and args.output is None:
        parser.error("--quick needs --output DIR: its figures must not replace the real ones")
    args.output = args.output or RESULTS
    if args.rounds is not None and args.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {args.rounds}")
    return args


def _measure_all(question: Question, args: argparse.Namespace, path: Path) -> None:
    """Let everyone take turns, and write the results after every run."""
    environment = measure("benchmarks.worker:describe", {"device": args.device})
    if "missing" in environment:
        raise JaxDigitsError(f"this machine cannot be described: {environment['missing']}.")
    variants = [each for each in _list_rows(question) if _is_wanted(each, args.rows)]
    results = _open_results(question, environment["environment"], path, restart=args.restart)
    # As a later run may find rows that this one lacks: all are listed, in the order of the question.
    rows = {each.name: results["rows"].get(each.name, {"runs": []}) for each in _list_rows(question)}
    results["rows"] = rows
    with tempfile.TemporaryDirectory() as scratch:
        settings = _prepare(question, args, Path(scratch))
        for number, variant in _take_turns(variants, args.rounds or (1 if args.quick else None), question.rounds):
            row = rows[variant.name]
            _describe_row(row, variant, question)
            if any(run["round"] == number for run in row["runs"]) or "missing" in row:
                continue
            found = _why_not(variant, args.device) or measure(
                variant.call, {**settings, **_settle(variant, question, args), "seed": number}
            )
            if "missing" in found:
                row["missing"] = found["missing"]
            else:
                row["runs"].append({"round": number, **found})
            write_results(path, results)
            print(f"  round {number + 1}  {variant.name}: {_tell(found, question)}", flush=True)
    write_results(path, results)


def _list_rows(question: Question) -> list[Variant]:
    if question.operations is None:
        return list(question.variants)
    floor = Variant(FLOOR, "benchmarks.run_floor:multiply", {"operations": question.operations})
    return [*question.variants, floor]


def _is_wanted(variant: Variant, words: Sequence[str] | None) -> bool:
    return words is None or any(word.lower() in variant.name.lower() for word in words)


def _take_turns(variants: Sequence[Variant], asked: int | None, rounds: int) -> Iterator[tuple[int, Variant]]:
    """Yield (round, row): every round begins with another row."""
    counts = [asked or each.rounds or rounds for each in variants]
    for number in range(max(counts, default=0)):
        shift = number % len(variants)
        turns = list(zip(variants, counts, strict=True))
        yield from ((number, each) for each, count in turns[shift:] + turns[:shift] if number < count)


def _open_results(question: Question, environment: dict[str, Any], path: Path, *, restart: bool) -> dict[str, Any]:
    """Go on with results of the same machine, versions and clean commit; anything else begins anew."""
    plain = json.loads(json.dumps(asdict(question)))
    results = {} if restart else read_results(path)
    same = results.get("question") == plain and results.get("environment") == environment
    if same and not str(environment["commit"]).endswith("with changes"):
        for row in results["rows"].values():
            row.pop("missing", None)  # it may have been installed meanwhile
        return results
    if results.get("rows"):
        print("  question, machine, versions or code have changed: earlier runs are dropped", flush=True)
    return {"question": plain, "environment": environment, "rows": {}}


def _prepare(question: Question, args: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Lay out the images, make what all rows share, and return the settings of all."""
    images, labels = samples.load_training_images()
    test_images, test_labels = samples.load_test_images()
    if args.quick:
        images, labels = images[:QUICK_IMAGES], labels[:QUICK_IMAGES]
    for name, array in zip(Arrays._fields, (images, labels.astype(np.int64), test_images, test_labels), strict=True):
        np.save(scratch / f"{name}.npy", array)
    settings = {
        "data": str(scratch),
        "scratch": str(scratch),
        "model": str(scratch / "model.safetensors"),
        "device": args.device,
        **question.settings,
    }
    if question.prepare:
        made = measure(question.prepare, {**settings, **(question.quick if args.quick else {})})
        if "missing" in made:
            raise JaxDigitsError(f"{question.prepare} {made['missing']}. Nothing was measured.")
    return settings


def _settle(variant: Variant, question: Question, args: argparse.Namespace) -> dict[str, Any]:
    """Return a row's own settings; in a quick run, what makes it quick stands above them."""
    return {**variant.settings, **(question.quick if args.quick else {})}


def _describe_row(row: dict[str, Any], variant: Variant, question: Question) -> None:
    row.update(is_ours=variant.is_ours, rounds=variant.rounds or question.rounds, needs=list(variant.needs))


def _why_not(variant: Variant, device: str) -> dict[str, str] | None:
    """Say why a row can't be measured here."""
    if device not in variant.devices:
        return {"missing": f"not measured on a {device.upper()}"}
    for name in variant.needs:
        try:
            version(name)
        except PackageNotFoundError:
            return {"missing": f"{name} is not installed"}
    return None


def _tell(found: dict[str, Any], question: Question) -> str:
    if "missing" in found:
        return str(found["missing"])
    first = question.measures[0]
    accuracy = f", accuracy {found['accuracy']:.2%}" if "accuracy" in found else ""
    return f"{first.factor * found.get(first.key, float('nan')):.{first.digits}f} {first.title}{accuracy}"


def _busy_seconds() -> float | None:
    """Read how long all processors have worked since the start of the machine."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _, _, irq, softirq, *_ = map(int, stat.read_text(encoding="ascii").split("\n")[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """Read how long this process and those it has waited for have worked."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
