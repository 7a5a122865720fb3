"""How well the library reads people's own digits: real sets, damaged digits, what is no digit, and how fast it is.

    python -m benchmarks.bench_handwriting                             all: 10,000 test images, 15 kinds, 3 strengths
    python -m benchmarks.bench_handwriting --images 1000               fewer images of each kind of damage
    python -m benchmarks.bench_handwriting --quick --output FOLDER     does everything run?
    python -m benchmarks.bench_handwriting --draw                      measure nothing: page and picture again

Three ways stand side by side. "Tutorial": gray, resized to 28x28, turned over when the mean is bright, and read by
`DigitClassifier()` trained on MNIST. "Pipeline": the same network, behind `jaxdigits.data.images`. "Pretrained": the
pipeline with the model of `jaxdigits.load_pretrained`. A picture in which nothing can be read counts as read wrong.

MNIST is found where `jaxdigits.load_mnist` looks for it, the real sets in folders beside it in JAXDIGITS_DATA; one that
is missing is left out. It writes `handwriting.json`, and from that file alone `handwriting.md` and
`docs/images/handwriting.png`.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.damage import DAMAGES, STRENGTHS
from benchmarks.drawing import Geometry, add_noise, draw_digit, jpeg, lay_ink, make_light, to_bytes
from benchmarks.handwriting import (
    REAL_SETS,
    Prepared,
    damage_copies,
    damage_image,
    draw_outliers,
    find_real_set,
    join,
    prepare,
    run_tasks,
    split_tasks,
)
from benchmarks.handwriting_page import draw_picture, make_page, make_summary
from benchmarks.results import TOP_FOLDER, describe_environment, read_results, write_results
from benchmarks.shapes import TEST_OUTLIERS
from benchmarks.train_pretrained import PRETRAINED, RECIPES, read_images
from jaxdigits import DigitClassifier, JaxDigitsError, load_mnist, load_model
from jaxdigits.calibration import expected_calibration_error
from jaxdigits.data.images import canonical_digit
from jaxdigits.metrics import auroc
from jaxdigits.persistence import read_bundle

__all__ = ["Readers", "main", "make_photo"]

RESULTS = Path(__file__).parent / "results"
PICTURE = TOP_FOLDER / "docs" / "images" / "handwriting.png"
N_OUTLIERS = 1_000
N_TIMINGS = 9
PHOTO = (4000, 3000)
QUICK = {"images": 20, "outliers": 10, "training": 1_000, "timings": 1, "photo": (400, 300)}

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]


class Readers:
    """The networks that are compared.

    Parameters
    ----------
    path : Path
        A pretrained model's file.
    plain : DigitClassifier
        Trained on MNIST as it is, ink 255.
    """

    def __init__(self, path: Path, plain: DigitClassifier) -> None:
        self.bundle = read_bundle(path)
        self.threshold = float(self.bundle.metadata["outlier_threshold"])
        self.n_views = int(self.bundle.metadata.get("n_views", 1))
        self.pretrained = load_model(path)
        self.plain = plain

    def read(self, images: Bytes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Read canonical images with the pretrained model, as `benchmarks.train_pretrained.read_images` returns it."""
        return read_images(self.pretrained, images, n_views=self.n_views)

    def judge(self, prepared: Prepared, labels: Labels) -> dict[str, Any]:
        """Count what each way reads right.

        Parameters
        ----------
        prepared : Prepared
            Pictures of one digit each.
        labels : ndarray of shape (n,)
            The digits.

        Returns
        -------
        dict
            JSON-able counts: n, tutorial, pipeline, pretrained, refused, unreadable; and calibration_error.
        """
        readable = prepared.readable
        probabilities, not_a_digit = self.read(prepared.canonical)
        right = {
            "tutorial": self.plain.predict(prepared.tutorial) == labels,
            "pipeline": (self.plain.predict(prepared.canonical) == labels) & readable,
            "pretrained": (probabilities.argmax(axis=1) == labels) & readable,
        }
        return {
            "n": len(labels),
            **{way: int(flags.sum()) for way, flags in right.items()},
            "refused": int((~readable | (not_a_digit >= self.threshold)).sum()),
            "unreadable": int((~readable).sum()),
            "calibration_error": expected_calibration_error(probabilities[readable], labels[readable]),
        }

    def score(self, prepared: Prepared) -> NDArray[np.float64]:
        """Tell how likely each picture is no digit; 1 if nothing can be read."""
        return np.where(prepared.readable, self.read(prepared.canonical)[1], 1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 2 if MNIST or the model cannot be had.
    """
    args = _parse(arguments)
    path = args.output / "handwriting.json"
    try:
        if args.draw:
            results = read_results(path)
        else:
            results = _measure(args)
            write_results(path, results)
        if "damaged" not in results:
            print(f"{path} holds no figures yet, expected some to draw. Run without --draw first.", file=sys.stderr)
            return 2
        page = make_page(results)
        path.with_suffix(".md").write_text(page, encoding="utf-8")
        path.with_name(f"{path.stem}-summary.md").write_text(make_summary(results), encoding="utf-8")
        print(page)
        draw_picture(results, path.with_suffix(".png") if args.quick else PICTURE)
    except JaxDigitsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_handwriting", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, metavar="N", help="test images of each kind of damage (default: all)")
    parser.add_argument("--name", choices=list(RECIPES), default="accurate", help="model (default: accurate)")
    parser.add_argument("--models", type=Path, default=PRETRAINED, metavar="DIR", help="where its file lies")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where results go (default: {RESULTS})")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="for the pictures (default: 2)")
    parser.add_argument("--quick", action="store_true", help="a few images of each kind; needs --output")
    parser.add_argument("--draw", action="store_true", help="measure nothing: make page and picture again")
    args = parser.parse_args(arguments)
    if args.quick and args.output is None:
        parser.error("--quick needs --output DIR: its figures must not replace the real ones")
    args.output = args.output or RESULTS
    args.images = QUICK["images"] if args.quick else args.images
    return args


def _measure(args: argparse.Namespace) -> dict[str, Any]:
    began = time.perf_counter()
    images, test_images, labels, test_labels = load_mnist()
    test_labels = test_labels.astype(np.int64)
    n_training = QUICK["training"] if args.quick else None
    plain = DigitClassifier(random_state=0).fit(images[:n_training], labels[:n_training])
    _say(f"plain network trained, {time.perf_counter() - began:.0f} s")
    readers = Readers(args.models / f"{args.name}.safetensors", plain)
    clean = slice(args.images if args.quick else None)
    mnist, mnist_labels = prepare(list(test_images[clean])), test_labels[clean]
    untouched = Prepared(test_images[clean], test_images[clean], np.ones(len(mnist_labels), bool))
    # Spread evenly: the first thousand test images are harder than most (99.0 % where all of them are read at 99.6 %).
    spread = np.linspace(0, len(test_labels) - 1, min(args.images or len(test_labels), len(test_labels))).astype(int)
    chosen, chosen_labels = test_images[spread], test_labels[spread]
    metadata = readers.bundle.metadata
    results: dict[str, Any] = {
        **describe_environment(),
        "model": {
            "name": args.name,
            "n_weights": int(sum(array.size for array in readers.bundle.arrays.values())),
            "temperature": metadata["temperature"],
            "outlier_threshold": metadata["outlier_threshold"],
        },
        "n_images": len(chosen_labels),
        "quick": args.quick,
        "photo": QUICK["photo"] if args.quick else PHOTO,
        "mnist": {
            "without": readers.judge(untouched, mnist_labels),
            "with": readers.judge(mnist, mnist_labels),
        },
    }
    real = {name: found for name in REAL_SETS if (found := find_real_set(name)) is not None}
    sets = {name: prepare(paths) for name, (paths, _) in real.items()}
    results["real"] = {name: readers.judge(sets[name], real[name][1]) for name in real}
    results["outliers"] = _judge_outliers(readers, {"MNIST": mnist, **sets}, args)
    _say(f"real sets and outliers read, {time.perf_counter() - began:.0f} s")
    results["damaged"] = _judge_damages(readers, chosen, chosen_labels, processes=args.processes)
    _say(f"damaged digits read, {time.perf_counter() - began:.0f} s")
    results["examples"] = _choose_examples(readers, test_images, test_labels)
    results["seconds"] = _time(test_images[0], args)
    return results


def _judge_damages(readers: Readers, images: Bytes, labels: Labels, *, processes: int) -> dict[str, Any]:
    """Read every kind of damage at every strength; the next pictures are made while the last are read."""
    cells = [(kind, strength) for kind in DAMAGES for strength in range(len(STRENGTHS))]
    tasks = [task for cell in cells for task in split_tasks(images, *cell)]
    n_chunks = len(tasks) // len(cells)
    chunks = run_tasks(damage_copies, tasks, processes=processes)
    judged: dict[str, Any] = {kind: [] for kind in DAMAGES}
    for kind, strength in cells:
        judged[kind].append(readers.judge(join([next(chunks) for _ in range(n_chunks)]), labels))
        counts = judged[kind][-1]
        _say(f"  {kind}, {STRENGTHS[strength]}: {100 * counts['pretrained'] / counts['n']:.2f} %")
    chunks.close()
    return judged


def _judge_outliers(readers: Readers, digits: dict[str, Prepared], args: argparse.Namespace) -> dict[str, Any]:
    """Tell how well what is no digit is told from test images and real digits."""
    n = QUICK["outliers"] if args.quick else N_OUTLIERS
    low = np.concatenate([readers.score(prepared) for prepared in digits.values()])
    step = min(n, 100)
    tasks = [(kind, first, step) for kind in TEST_OUTLIERS for first in range(0, n, step)]
    drawn = list(run_tasks(draw_outliers, tasks, processes=args.processes))
    n_tasks = len(drawn) // len(TEST_OUTLIERS)
    parts = (drawn[place * n_tasks : (place + 1) * n_tasks] for place in range(len(TEST_OUTLIERS)))
    high = {kind: readers.score(join(part)) for kind, part in zip(TEST_OUTLIERS, parts, strict=True)}
    kinds = {
        kind: {
            "n": len(scores),
            "auroc": auroc(low, scores),
            "refused": int((scores >= readers.threshold).sum()),
            "unreadable": int((scores == 1.0).sum()),
        }
        for kind, scores in high.items()
    }
    return {"n_digits": len(low), "kinds": kinds, "auroc": auroc(low, np.concatenate(list(high.values())))}


def _choose_examples(readers: Readers, images: Bytes, labels: Labels) -> list[dict[str, Any]]:
    """Read one digit of each kind at its hardest; which, its place in the list decides and not how it is read."""
    examples = []
    for place, kind in enumerate(DAMAGES):
        candidates = np.flatnonzero(labels == place % 10)
        index = int(candidates[place // 10 % len(candidates)]) if len(candidates) else place % len(labels)
        prepared = prepare([damage_image(images[index], kind, 2, index)])
        probabilities, not_a_digit = readers.read(prepared.canonical)
        examples.append(
            {
                "kind": kind,
                "strength": 2,
                "index": index,
                "label": int(labels[index]),
                "read": int(probabilities[0].argmax()) if prepared.readable[0] else None,
                "probability": float(probabilities[0].max()),
                "refused": bool(not_a_digit[0] >= readers.threshold),
            }
        )
    return examples


def make_photo(image: Bytes, size: tuple[int, int], generator: np.random.Generator) -> bytes:
    """Make a photo of a digit on paper, as a telephone takes it.

    Parameters
    ----------
    image : ndarray of shape (28, 28), uint8
        Ink is 255.
    size : tuple of int
        (width, height), in pixels.
    generator : numpy.random.Generator
        Draws light and noise.

    Returns
    -------
    bytes
        A JPEG in color.
    """
    ink = draw_digit(image, size, Geometry(size[1] / 60, (0.45 * size[0], 0.55 * size[1]), degrees=5))
    levels = lay_ink(ink, np.array([214.0, 208.0, 196.0]), np.array([40.0, 44.0, 90.0]))
    levels *= make_light(size, generator, spread=0.35, shadow=0.25)[..., None]
    return jpeg(to_bytes(add_noise(levels, generator, 4.0)), 90)


def _time(image: Bytes, args: argparse.Namespace) -> dict[str, float]:
    """Time one photo through the pipeline, and the command line from a cold start; medians."""
    n = QUICK["timings"] if args.quick else N_TIMINGS
    photo = make_photo(image, QUICK["photo"] if args.quick else PHOTO, np.random.default_rng(0))
    opened = Image.open(io.BytesIO(photo))
    opened.load()
    pixels = np.asarray(opened)
    seconds = {
        "photo, JPEG": _median(lambda: canonical_digit(photo), n),
        "photo, PIL image": _median(lambda: canonical_digit(opened), n),
        "photo, array": _median(lambda: canonical_digit(pixels), n),
    }
    # As a user types it, where the model is the package's own.
    words = [] if args.models == PRETRAINED else ["--model", str(args.models / f"{args.name}.safetensors")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(photo)
        seconds["jaxdigits predict photo.jpg"] = _median(lambda: _run("predict", str(path), *words), n)
    seconds["jaxdigits --help"] = _median(lambda: _run("--help"), n)
    return seconds


def _median(call: Callable[[], object], n: int) -> float:
    """Call once for nothing, then n times; return the median of the seconds."""
    call()
    taken = []
    for _ in range(n):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken), 4)


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "jaxdigits", *words], check=True, capture_output=True, cwd=TOP_FOLDER)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
