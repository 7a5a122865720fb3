"""How many digits of a page are found and read right, and how many are read that nobody wrote.

    python -m benchmarks.bench_pages                          200 pages of MNIST's test images: some minutes on 2 cores
    python -m benchmarks.bench_pages --part train --pages 20  pages of training images, to develop with: writes nothing
    python -m benchmarks.bench_pages --finding --part train   the finding alone, without reading: writes nothing

Pages are made by `benchmarks.pages`: sheets of plain, ruled and squared paper and boards, turned by up to 15 degrees,
unevenly lit. A digit is found if something was read whose box agrees with its own, and right if the label does, too.
What agrees with no digit is a phantom. It writes `pages.json` (every page), and from that file alone `pages.md`. MNIST
is found where `jaxdigits.load_mnist` looks for it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import SyntheticPage, TrueDigit, make_page
from benchmarks.results import describe_environment, write_results
from jaxdigits import JaxDigitsError, load_mnist

__all__ = ["judge_page", "main", "make_report", "passes"]

RESULTS = Path(__file__).parent / "results"
GATES = {"right": 0.97, "phantoms": 0.01}
N_PAGES = 200
AGREEMENT = 0.4
"""Area that two boxes share, of the area that they cover together, from which they mean the same digit."""

Found = tuple[int | None, tuple[float, ...]]
"""What was read, label and box; the label is None where nothing was read but the place."""

GROUPS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "turned by less than 5 degrees": lambda page: abs(page["skew"]) < 5,
    "turned by 5 to 10 degrees": lambda page: 5 <= abs(page["skew"]) < 10,
    "turned by 10 to 15 degrees": lambda page: abs(page["skew"]) >= 10,
    "plain paper": lambda page: page["paper"] == "plain",
    "ruled paper": lambda page: page["paper"] == "ruled",
    "squared paper": lambda page: page["paper"] == "squared",
    "chalk on a board": lambda page: page["paper"] == "board",
    "in part in the shadow": lambda page: page["shadow"],
    "a desk around the sheet": lambda page: page["desk"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 1 if a figure misses its gate; 2 if MNIST or the model cannot be had.
    """
    args = _parse(arguments)
    try:
        X_train, X_test, y_train, y_test = load_mnist()
        images, labels = (X_test, y_test) if args.part == "test" else (X_train, y_train)
        read = None if args.finding else _load_reader(args.model)
        images = np.asarray(images).reshape(-1, 28, 28)
        records = [_judge_seed(seed, images, np.asarray(labels), read) for seed in range(args.pages)]
    except JaxDigitsError as error:
        print(error, file=sys.stderr)
        return 2
    results = {**describe_environment(), "gates": GATES, "model": args.model, "part": args.part, "pages": records}
    report = make_report(results)
    print(report)
    if args.finding or args.part == "train":
        return 0
    write_results(args.output / "pages.json", results)
    (args.output / "pages.md").write_text(report, encoding="utf-8")
    return 0 if passes(results) else 1


def judge_page(page: SyntheticPage, found: Sequence[Found]) -> dict[str, int]:
    """Count what was found, and what of it is right.

    Parameters
    ----------
    page : SyntheticPage
        The truth.
    found : sequence of (label, box)
        What was read; a label of None is never right.

    Returns
    -------
    dict
        `digits`, `found`, `right`, `phantoms`; `touching`, `touching_found`, `touching_right` of the digits that touch.

    Examples
    --------
    >>> import numpy as np
    >>> from benchmarks.bench_pages import judge_page
    >>> from benchmarks.pages import SyntheticPage, TrueDigit
    >>> digits = (TrueDigit(3, (10, 10, 30, 50), 0, False), TrueDigit(4, (40, 10, 60, 50), 0, False))
    >>> page = SyntheticPage(np.zeros((60, 70, 3), np.uint8), digits, 0.0, "plain", False, False)
    >>> counts = judge_page(page, [(3, (11, 9, 30, 52)), (9, (41, 10, 60, 50)), (1, (0, 0, 5, 5))])
    >>> counts["found"], counts["right"], counts["phantoms"]
    (2, 1, 1)
    """
    matched = _match(page.digits, found)
    right = {place for place, other in matched.items() if found[other][0] == page.digits[place].label}
    touching = {place for place, digit in enumerate(page.digits) if digit.touching}
    return {
        "digits": len(page.digits),
        "found": len(matched),
        "right": len(right),
        "phantoms": len(found) - len(matched),
        "touching": len(touching),
        "touching_found": len(touching & matched.keys()),
        "touching_right": len(touching & right),
    }


def make_report(results: dict[str, Any]) -> str:
    """Write the page with the tables, in Markdown, from the results alone.

    Parameters
    ----------
    results : dict
        What `main` writes.

    Returns
    -------
    str
    """
    pages, machine, gates = results["pages"], results["machine"], results["gates"]
    rows = [("all", _sum(pages))]
    rows += [(name, _sum(list(filter(belongs, pages)))) for name, belongs in GROUPS.items()]
    total = rows[0][1]
    rows.append(("digits that touch", {key: total[f"touching_{key}"] for key in ("found", "right")}))
    rows[-1][1].update(digits=total["touching"], phantoms=None)
    seconds = [page["seconds"] for page in pages]
    lines = [
        "# Pages",
        "",
        f"Digits on {len(pages)} pages of MNIST's {results['part']} images (`benchmarks/pages.py`), found, and also "
        f"read right, with the model `{results['model']}`; phantoms are readings where nobody wrote. Wanted: at least "
        f"{100 * gates['right']:.0f} % right and at most {100 * gates['phantoms']:.0f} % phantoms. A page takes "
        f"{statistics.median(seconds):.2f} s (median; at most {max(seconds):.2f} s) on {machine['cores']} cores of "
        f"{machine['processor']}.",
        "",
        "| pages | digits | found | read right | phantoms |",
        "|---|--:|--:|--:|--:|",
        *(_table_row(name, counts) for name, counts in rows if counts["digits"]),
    ]
    return "\n".join(lines) + "\n"


def passes(results: dict[str, Any]) -> bool:
    """Tell whether the results meet their gates.

    Parameters
    ----------
    results : dict
        What `main` writes.

    Returns
    -------
    bool
    """
    total, gates = _sum(results["pages"]), results["gates"]
    enough = total["right"] >= gates["right"] * total["digits"]
    return bool(enough and total["phantoms"] <= gates["phantoms"] * total["digits"])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_pages", description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=N_PAGES, metavar="N", help=f"how many pages (default: {N_PAGES})")
    parser.add_argument("--part", choices=("test", "train"), default="test", help="images of MNIST (default: test)")
    parser.add_argument("--model", default="accurate", metavar="NAME", help="pretrained model (default: accurate)")
    parser.add_argument("--finding", action="store_true", help="judge the finding alone, with --part train")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="DIR", help=f"where results go ({RESULTS})")
    args = parser.parse_args(arguments)
    if args.pages < 1:
        parser.error(f"--pages must be at least 1, got {args.pages}")
    if args.finding and args.part == "test":
        parser.error("--finding needs --part train: the test images are for the final figures")
    return args


def _judge_seed(seed: int, images: Any, labels: Any, read: Any) -> dict[str, Any]:
    page = make_page(images, labels, seed=seed)
    began = time.perf_counter()
    found = _find(page) if read is None else read(page.picture)
    seconds = time.perf_counter() - began
    kind = {"seed": seed, "skew": round(page.skew, 2), "paper": page.paper, "desk": page.desk, "shadow": page.shadow}
    return {**kind, **judge_page(page, found), "seconds": round(seconds, 3)}


def _load_reader(model: str) -> Callable[[Any], list[Found]]:
    from jaxdigits import load_pretrained

    recognizer = load_pretrained(model)

    def read(picture: Any) -> list[Found]:
        return [(int(digit.label), digit.box) for digit in recognizer.read_page(picture).digits]

    return read


def _find(page: SyntheticPage) -> list[Found]:
    """Find digits without reading them; where there are several ways to see them, the truth chooses."""
    from jaxdigits.data.pages import find_digits

    found: list[Found] = []
    for line in find_digits(page.picture).lines:
        for blob in line:
            ways = [[(None, part.box) for part in parts] for parts in ((blob,), *blob.splits)]
            counts = [judge_page(page, way) for way in ways]
            rated = [count["found"] - count["phantoms"] for count in counts]
            found += ways[int(np.argmax(rated))]
    return found


def _match(digits: Sequence[TrueDigit], found: Sequence[Found]) -> dict[int, int]:
    """Pair digits with what was found, the best agreement first: position of the digit to that of the finding."""
    pairs = [
        (_agreement(digit.box, box), place, other)
        for place, digit in enumerate(digits)
        for other, (_, box) in enumerate(found)
    ]
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for agreement, place, other in sorted(pairs, reverse=True):
        if agreement >= AGREEMENT and place not in matched and other not in taken:
            matched[place] = other
            taken.add(other)
    return matched


def _agreement(box: Sequence[float], other: Sequence[float]) -> float:
    """Area in both of two boxes over the area in either."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(each[2] - each[0]) * (each[3] - each[1]) for each in (box, other)]
    return width * height / (sum(areas) - width * height)


def _sum(pages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = ("digits", "found", "right", "phantoms", "touching", "touching_found", "touching_right")
    return {name: sum(page[name] for page in pages) for name in names}


def _table_row(name: str, counts: dict[str, Any]) -> str:
    shares = [100 * counts[key] / counts["digits"] for key in ("found", "right")]
    phantoms = "-" if counts["phantoms"] is None else f"{100 * counts['phantoms'] / counts['digits']:.2f} %"
    return f"| {name} | {counts['digits']:,} | {shares[0]:.2f} % | {shares[1]:.2f} % | {phantoms} |"


if __name__ == "__main__":
    sys.exit(main())
