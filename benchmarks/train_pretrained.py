"""Train the models that come with the package, and write their files and cards.

    python -m benchmarks.train_pretrained                                all of `RECIPES`
    python -m benchmarks.train_pretrained --name small                   one of them
    python -m benchmarks.train_pretrained --quick --output FOLDER        a few hundred images: does everything run?

MNIST's training images are all that is learned from. 5,000 of them are held out: they choose the temperature and the
outlier threshold. The others are learned as they are; as other hands write them (`benchmarks.variants`), in
random settings (`benchmarks.compositions`), and brought back by the library's own pipeline; and broken into things
that are no digits (`benchmarks.outliers`). The test images and the real sets are looked at once, at the end, for the
card.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from benchmarks.damage import DAMAGES, STRENGTHS
from benchmarks.handwriting import (
    REAL_SETS,
    compose_copies,
    damage_copies,
    find_real_set,
    join,
    make_outliers,
    prepare,
    run_tasks,
    split_tasks,
)
from benchmarks.results import TOP_FOLDER, describe_environment
from benchmarks.variants import vary
from jaxdigits import DigitClassifier, JaxDigitsError, load_mnist, load_model
from jaxdigits.calibration import expected_calibration_error, fit_temperature
from jaxdigits.data.resampling import make_views
from jaxdigits.persistence import Bundle, read_bundle, write_bundle

__all__ = ["RECIPES", "count_confusions", "finish_model", "make_card", "make_training_set", "read_images", "train"]

PRETRAINED = TOP_FOLDER / "jaxdigits" / "pretrained"

RECIPES: dict[str, dict[str, Any]] = {
    "small": {
        "purpose": "for the page and the shell, where a cold start counts",
        "seed": 0,
        "copies": 2,
        "outliers": 25_000,
        "n_views": 1,
        "classifier": {
            "model": "cnn",
            "channels": (24, 48),
            "hidden_sizes": (96,),
            "augment": ("shift", "rotation", "scale", "shear", "elastic", "stroke_width"),
            "max_epochs": 8,
        },
    },
    "accurate": {
        "purpose": "for the best reading",
        "seed": 0,
        "copies": 2,
        "outliers": 25_000,
        # Of held-out copies in middling damage one view reads 99.28 %, five 99.39 %, nine 99.33 %.
        "n_views": 5,
        "classifier": {
            "model": "cnn",
            "channels": (32, 64),
            "hidden_sizes": (128,),
            "augment": ("shift", "rotation", "scale", "shear"),
            "max_epochs": 10,
        },
    },
}
"""Name -> seed, copies of every image in random settings, number of outliers, views of an image that is read, and
parameters of `DigitClassifier`."""

DATA = (
    "MNIST's training images, and nothing else: as they are; with the strokes that other hands add to 1, 4 and 7, in "
    "random settings, brought back by the library's own pipeline; and broken into images of no digit."
)
LIMITS = (
    "It knows single, handwritten, western digits from 0 to 9, upright within some 15 degrees. Probabilities are "
    "honest for pictures like those that it was calibrated on: a new pen, camera or population needs a check of its "
    "own. Letters that look like digits (O, l, S, Z, B) are read as digits."
)

NOT_A_DIGIT = -1
N_HELD_OUT = 5_000
REFUSED = 0.005  # share of held-out digits, clean and in random settings, that the outlier threshold refuses
N_MEASURED = 500  # held-out images of each kind of damage, for the card
OUTLIERS_A_TASK = 250
QUICK = {"images": 600, "held_out": 200, "outliers": 100, "epochs": 1, "measured": 20}

Bytes = NDArray[np.uint8]


class Digits(NamedTuple):
    """Images of shape (n, 28, 28) with ink 255, and their labels."""

    images: Bytes
    labels: NDArray[np.int64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, measure and write.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 2 if MNIST cannot be had.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_pretrained", description=__doc__.splitlines()[0])
    parser.add_argument("--name", choices=list(RECIPES), action="append", help="which to train (default: all)")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where the files go (default: {PRETRAINED})")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="for making pictures (default: 2)")
    parser.add_argument("--quick", action="store_true", help="a few hundred images, 1 epoch; needs --output")
    args = parser.parse_args(arguments)
    if args.quick and args.output is None:
        parser.error("--quick needs --output DIR: its models must not replace the real ones")
    try:
        made: dict[Any, Digits] = {}
        for name in args.name or RECIPES:
            train(name, args.output or PRETRAINED, quick=args.quick, processes=args.processes, made=made)
    except JaxDigitsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def train(
    name: str, folder: Path, *, quick: bool = False, processes: int = 2, made: dict[Any, Digits] | None = None
) -> dict[str, Any]:
    """Train one model and write its file and its card.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    folder : Path
        Where they go; made if need be.
    quick : bool, default=False
        A few hundred images and one epoch.
    processes : int, default=2
        For making pictures.
    made : dict or None, default=None
        Training sets made so far, for models that learn from the same; one that is missing is added.

    Returns
    -------
    dict
        The card.
    """
    recipe = _shorten(RECIPES[name]) if quick else RECIPES[name]
    began = time.perf_counter()
    training, held_out = _split(recipe["seed"], quick=quick)
    made, key = {} if made is None else made, (recipe["seed"], recipe["copies"], recipe["outliers"])
    if key not in made:
        made[key] = make_training_set(training, recipe, processes=processes)
    images, labels = made[key]
    making = time.perf_counter() - began
    _say(f"{name}: {len(labels):,} images made in {making:.0f} s")
    classifier = DigitClassifier(**recipe["classifier"], random_state=recipe["seed"], verbose=1)
    began = time.perf_counter()
    classifier.fit(images, labels)
    fitting = time.perf_counter() - began
    _say(f"{name}: trained in {fitting:.0f} s, {classifier.n_epochs_} epochs")
    checks = join_digits(held_out, _compose(held_out, 1, recipe["seed"] + 1, processes=processes))
    bundle = finish_model(classifier, held_out, checks, n_views=recipe["n_views"])
    card = {
        "name": name,
        "purpose": recipe["purpose"],
        "trained": datetime.now(UTC).date().isoformat(),
        "data": DATA,
        "recipe": recipe,
        "seeds": [recipe["seed"]],
        "limits": LIMITS,
        "n_training": {"images": len(training.labels), "in all": len(labels)},
        "n_held_out": len(held_out.labels),
        "n_weights": int(sum(array.size for array in bundle.arrays.values())),
        "seconds": {"making the images": round(making), "training": round(fitting)},
        "temperature": bundle.metadata["temperature"],
        "outlier_threshold": bundle.metadata["outlier_threshold"],
        **describe_environment(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    write_bundle(bundle, path)
    card["measured"] = measure(path, held_out, n_images=QUICK["measured"] if quick else None, processes=processes)
    card["confusion"] = count_confusions(path, n_images=QUICK["measured"] if quick else None)
    measured = card["measured"]
    card["accuracies"] = {each["pictures"]: round(each["n_right"] / each["n"], 4) for each in measured}
    card["calibration"] = {each["pictures"]: round(each["calibration_error"], 4) for each in measured}
    bundle.metadata["card"] = card
    write_bundle(bundle, path)
    page = make_card(read_bundle(path).metadata["card"])
    path.with_suffix(".md").write_text(page, encoding="utf-8")
    _say(f"\n{page}\n{path}: {path.stat().st_size / 1000:.0f} kB")
    return card


def make_training_set(training: Digits, recipe: dict[str, Any], *, processes: int) -> Digits:
    """Make all that a network learns from: digits as they are, digits in random settings, and outliers.

    Parameters
    ----------
    training : Digits
        Images of MNIST.
    recipe : dict
        An entry of `RECIPES`.
    processes : int
        For making pictures.

    Returns
    -------
    Digits
        What is no digit is labeled -1.
    """
    copies = _compose(training, recipe["copies"], recipe["seed"] + 2, processes=processes)
    generator = np.random.default_rng(recipe["seed"])
    tasks = []
    for index in range(-(-recipe["outliers"] // OUTLIERS_A_TASK)):
        chosen = generator.permutation(len(training.labels))[:1_000]
        n = min(OUTLIERS_A_TASK, recipe["outliers"] - index * OUTLIERS_A_TASK)
        tasks.append((training.images[chosen], training.labels[chosen], n, (recipe["seed"], index)))
    outliers = np.concatenate(list(run_tasks(make_outliers, tasks, processes=processes)))
    return join_digits(training, copies, Digits(outliers, np.full(len(outliers), NOT_A_DIGIT)))


def join_digits(*parts: Digits) -> Digits:
    """Put sets of digits together."""
    return Digits(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def finish_model(classifier: DigitClassifier, clean: Digits, checks: Digits, *, n_views: int = 1) -> Bundle:
    """Store weights in half precision, take images with ink 1, and set temperature and outlier threshold.

    Parameters
    ----------
    classifier : DigitClassifier
        Fitted on images with ink 255 and on labels from -1, no digit, to 9.
    clean : Digits
        Held-out digits as MNIST has them: they choose the temperature.
    checks : Digits
        The same and in random settings: they choose the threshold.
    n_views : int, default=1
        Over how many views of an image the model shall read.

    Returns
    -------
    Bundle
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        classifier.save(path)
        bundle = read_bundle(path)
        arrays = {name: array.astype(np.float16) for name, array in bundle.arrays.items() if _is_weight(name)}
        low, high = bundle.metadata["pixel_range"]
        if (low, high) != (0.0, 255.0):
            raise ValueError(f"the classifier must be fitted on images with ink 255, got pixels from {low} to {high}")
        arrays["input.offset"] = (bundle.arrays["input.offset"] / 255).astype(np.float32)
        arrays["input.scale"] = (bundle.arrays["input.scale"] * 255).astype(np.float32)
        metadata = {**bundle.metadata, "pixel_range": [0.0, 1.0], "temperature": 1.0, "n_views": n_views}
        bundle = Bundle(bundle.spec, arrays, metadata)
        write_bundle(bundle, path)
        stored = load_model(path)
        # Which digit it is, given that it is one: the outliers' logit has no part in that.
        logits = stored.decision_function(clean.images.astype(np.float32) / 255)
        bundle.metadata["temperature"] = fit_temperature(logits[:, 1:], clean.labels)
        write_bundle(bundle, path)
        odds = read_images(load_model(path), checks.images, n_views=n_views)[1]
    bundle.metadata["outlier_threshold"] = float(np.quantile(odds, 1 - REFUSED))
    return bundle


def read_images(model: Any, images: Bytes, *, n_views: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read canonical images with a pretrained model, as `Recognizer` does one by one.

    Parameters
    ----------
    model : DigitClassifier or LiteModel
        With classes -1, no digit, to 9.
    images : ndarray of shape (n, 28, 28), uint8
        Ink is 255.
    n_views : int, default=1
        Over how many views of each image to average.

    Returns
    -------
    probabilities : ndarray of shape (n, 10)
        Of each digit, given that it is one.
    not_a_digit : ndarray of shape (n,)
        How likely it is none.
    """
    views = make_views(images.astype(np.float32) / 255, n_views)
    parts = [_split_probabilities(model.predict_proba(view)) for view in views]
    probabilities = np.mean([digits for digits, _ in parts], axis=0)
    return probabilities, np.mean([odds for _, odds in parts], axis=0)


def measure(path: Path, held_out: Digits, *, n_images: int | None, processes: int) -> list[dict[str, Any]]:
    """Measure a written model once: MNIST's test images, damaged held-out images, and the real sets.

    Parameters
    ----------
    path : Path
        The model file.
    held_out : Digits
        Training images that nothing was learned from.
    n_images : int or None
        How many test images; None takes all.
    processes : int
        For making pictures.

    Returns
    -------
    list of dict
        One for each kind of pictures; JSON-able.
    """
    bundle, model = read_bundle(path), load_model(path)
    threshold, n_views = bundle.metadata["outlier_threshold"], bundle.metadata["n_views"]

    def judge(pictures: str, images: Bytes, labels: NDArray[np.int64], readable: Any) -> dict[str, Any]:
        probabilities, not_a_digit = read_images(model, images, n_views=n_views)
        right = (probabilities.argmax(axis=1) == labels) & readable
        return {
            "pictures": pictures,
            "n": len(labels),
            "n_right": int(right.sum()),
            "calibration_error": expected_calibration_error(probabilities, labels),
            "refused": float(np.mean((not_a_digit >= threshold) | ~np.asarray(readable, bool))),
        }

    _, test_images, _, test_labels = load_mnist()
    measured = [judge("MNIST test images", test_images[:n_images], test_labels[:n_images], True)]
    few = Digits(held_out.images[:N_MEASURED][:n_images], held_out.labels[:N_MEASURED][:n_images])
    cells = [(kind, strength) for strength in range(len(STRENGTHS)) for kind in DAMAGES]
    tasks = [task for cell in cells for task in split_tasks(few.images, *cell)]
    chunks = list(run_tasks(damage_copies, tasks, processes=processes))
    labels = np.tile(few.labels, len(DAMAGES))
    for word, start in zip(STRENGTHS, range(0, len(chunks), len(chunks) // len(STRENGTHS)), strict=True):
        damaged = join(chunks[start : start + len(chunks) // len(STRENGTHS)])
        name = f"held-out images, damaged, {word}"
        measured.append(judge(name, damaged.canonical, labels, damaged.readable))
    for name in REAL_SETS:
        found = find_real_set(name)
        if found is not None:
            prepared = prepare(found[0])
            measured.append(judge(name, prepared.canonical, found[1], prepared.readable))
    return measured


def count_confusions(path: Path, *, n_images: int | None) -> dict[str, Any]:
    """Count what a written model takes for what among MNIST's test images, its best guess each time.

    Parameters
    ----------
    path : Path
        The model file.
    n_images : int or None
        How many test images; None takes all.

    Returns
    -------
    dict
        `pictures`, `classes` and `counts`: a row for each digit written, a column for each read.
    """
    _, images, _, labels = load_mnist()
    n_views = read_bundle(path).metadata["n_views"]
    probabilities = read_images(load_model(path), images[:n_images], n_views=n_views)[0]
    counts = np.zeros((10, 10), np.int64)
    np.add.at(counts, (labels[:n_images], probabilities.argmax(axis=1)), 1)
    return {"pictures": "MNIST test images", "classes": list(range(10)), "counts": counts.tolist()}


def make_card(card: dict[str, Any]) -> str:
    """Write a model's card in Markdown.

    Parameters
    ----------
    card : dict
        What the model file holds under `card`.

    Returns
    -------
    str
    """
    recipe, counts, machine, seconds = card["recipe"], card["n_training"], card["machine"], card["seconds"]
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in recipe["classifier"].items()}
    settings = ", ".join(f"{name}={value!r}" for name, value in values.items())
    rows = "\n".join(f"| {measured['pictures']} | {_describe(measured)} |" for measured in card["measured"])
    return f"""# {card["name"]}

The model `jaxdigits.load_pretrained({card["name"]!r})`, {card["purpose"]}.
{card["n_weights"]:,} weights, stored in half precision.

## Data

{counts["images"]:,} of MNIST's training images, and nothing else: as they are; {recipe["copies"]} of each, some of the
1, 4 and 7 with an upstroke, a closed top or a bar added, put into
random settings (paper, pens, light, small bitmaps, form cells, compression) and brought back by
`jaxdigits.data.images`; and {recipe["outliers"]:,} images of no digit, made by breaking, turning and mixing digits.
{counts["in all"]:,} images in all.

{card["n_held_out"]:,} more training images were held out. They chose the temperature
({card["temperature"]:.3f}), and with their copies the outlier threshold
({card["outlier_threshold"]:.3f}, which refuses {100 * REFUSED:.1f} % of them).
Probabilities are the mean over {recipe["n_views"]} view{"s" if recipe["n_views"] > 1 else ""} of each image.

## Recipe

`DigitClassifier({settings}, random_state={recipe["seed"]})`

`python -m benchmarks.train_pretrained --name {card["name"]}`
took {seconds["making the images"]} s to make the images and {seconds["training"]} s to train,
on {machine["cores"]} cores of {machine["processor"]}.

## Measured

Once, after all was chosen. The calibration error is the mean distance between how sure the model says it is and how
often it is right, in 15 bins. Refused is what it holds for no digit, or what could not be read at all.

| pictures | number | read right | calibration error | refused |
|---|--:|--:|--:|--:|
{rows}

## Limits

{card["limits"]}
"""


def _describe(measured: dict[str, Any]) -> str:
    shares = measured["n_right"] / measured["n"], measured["calibration_error"], measured["refused"]
    return " | ".join([f"{measured['n']:,}", *(f"{100 * share:.2f} %" for share in shares)])


def _split(seed: int, *, quick: bool) -> tuple[Digits, Digits]:
    """Split off what chooses temperature and threshold."""
    images, _, labels, _ = load_mnist()
    n_images, n_held_out = (QUICK["images"], QUICK["held_out"]) if quick else (None, N_HELD_OUT)
    images, labels = images[:n_images], labels[:n_images].astype(np.int64)
    parts = train_test_split(images, labels, test_size=n_held_out, stratify=labels, random_state=seed)
    return Digits(parts[0], parts[2]), Digits(parts[1], parts[3])


def _compose(digits: Digits, copies: int, seed: int, *, processes: int) -> Digits:
    """Put copies of digits into random settings and bring them back; what cannot be read is left out."""
    tasks = []
    for copy in range(copies):
        varied = vary(digits.images, digits.labels, np.random.default_rng((seed, copy)))
        tasks += split_tasks(varied, 1_000 * seed + copy)
    parts = list(run_tasks(compose_copies, tasks, processes=processes))
    if not parts:
        return Digits(digits.images[:0], digits.labels[:0])
    readable = np.concatenate([readable for _, readable in parts])
    images = np.concatenate([images for images, _ in parts])
    return Digits(images[readable], np.tile(digits.labels, copies)[readable])


def _shorten(recipe: dict[str, Any]) -> dict[str, Any]:
    classifier = {**recipe["classifier"], "max_epochs": QUICK["epochs"]}
    return {**recipe, "copies": 1, "outliers": QUICK["outliers"], "classifier": classifier}


def _is_weight(name: str) -> bool:
    return not name.startswith("input.")


def _split_probabilities(eleven: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Part probabilities of eleven classes: of each digit, given that it is one, and of none."""
    digits = np.maximum(eleven[:, 1:], np.finfo(float).tiny)
    return digits / digits.sum(axis=1, keepdims=True), eleven[:, 0]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
