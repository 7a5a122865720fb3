"""`jaxdigits demo`: train on real digits, tell how well it went, and leave pictures of it in a folder."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jaxdigits.estimator import DigitClassifier

__all__ = ["add_arguments", "run"]

TEST_FRACTION = 0.25
VALIDATION_FRACTION = 0.1  # of what is left to learn from; it draws the curves and decides nothing


@dataclass(frozen=True)
class _Part:
    """Some of the digits."""

    images: NDArray[np.float64]  # (n, 8, 8)
    labels: NDArray[np.int64]  # (n,)


@dataclass(frozen=True)
class _Result:
    """How a part was read."""

    n_right: int
    n_samples: int
    log_loss: float  # mean, in nats
    predictions: NDArray[np.int64]  # (n,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import demo
    >>> parser = argparse.ArgumentParser()
    >>> demo.add_arguments(parser)
    >>> parser.parse_args(["--seed", "3"]).seed
    3
    """
    # The names of the models stand in a registry that takes a second to import: it is asked in `run` only.
    parser.add_argument(
        "--model",
        default="auto",
        metavar="NAME",
        help="network to train; auto, the default, is good for pictures, and an unknown name lists them all",
    )
    parser.add_argument(
        "--seed", type=_parse_seed, default=0, metavar="N", help="seed of everything random (default: 0)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("jaxdigits-demo"),
        metavar="DIR",
        help="folder for the model and the pictures (default: jaxdigits-demo)",
    )


def run(args: argparse.Namespace) -> int:
    """Train, report, and save.

    Parameters
    ----------
    args : argparse.Namespace
        `model`, `seed` and `output`, as `add_arguments` declares them.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If there is no such model, or the folder cannot be written.

    Examples
    --------
    >>> import argparse, pathlib
    >>> from jaxdigits.cli import demo
    >>> args = argparse.Namespace(model="linear", seed=0, output=pathlib.Path("out"))
    >>> demo.run(args)  # doctest: +SKIP
    0
    """
    print("Reading 1,797 real handwritten digits of 8x8 pixels ...", flush=True)
    _check_model(args.model)
    folder = _make_folder(args.output)
    training, validation, test = _split_digits(args.seed)
    print(
        f"{len(training.labels):,} to learn from, {len(validation.labels):,} to watch the learning, "
        f"{len(test.labels):,} held out for the test.",
        flush=True,
    )
    started = time.monotonic()
    classifier = _train(args, training, validation)
    seconds = time.monotonic() - started
    trained, tested = _evaluate(classifier, training), _evaluate(classifier, test)
    _print_report(classifier, seconds, trained, tested)
    _print_confusions(test, tested)
    _save(folder, classifier, test)
    _print_next_commands(args, folder)
    return 0


def _parse_seed(text: str) -> int:
    seed = int(text) if text.isdecimal() else -1
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 4294967295, got {text!r}")
    return seed


def _make_folder(path: Path) -> Path:
    """Make the folder before the training, so that a folder that cannot be made costs no time."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--output must be a folder that can be written, got {str(path)!r} ({error.strerror}). Name another one."
        ) from error
    if not os.access(path, os.W_OK):
        raise InputError(f"--output must be a folder that can be written, got {str(path)!r}. Name another one.")
    return path


def _check_model(name: str) -> None:
    from jaxdigits.core.models import MODELS

    names = ["auto", *MODELS]
    if name not in names:
        raise InputError(f"--model must be one of {', '.join(names)}, got {name!r}. Leave it out for auto.")


def _split_digits(seed: int) -> tuple[_Part, _Part, _Part]:
    """Split the digits, each class alike, into what is learned, what is watched and what is tested."""
    from sklearn.model_selection import train_test_split

    from jaxdigits.data.datasets import load_digits

    digits = load_digits()
    rest_images, test_images, rest_labels, test_labels = train_test_split(
        digits.images, digits.target, test_size=TEST_FRACTION, stratify=digits.target, random_state=seed
    )
    images, validation_images, labels, validation_labels = train_test_split(
        rest_images, rest_labels, test_size=VALIDATION_FRACTION, stratify=rest_labels, random_state=seed
    )
    return (
        _Part(images, labels),
        _Part(validation_images, validation_labels),
        _Part(test_images, test_labels),
    )


def _train(args: argparse.Namespace, training: _Part, validation: _Part) -> DigitClassifier:
    from jaxdigits.estimator import DigitClassifier

    verbose = int(sys.stderr is not None and sys.stderr.isatty())
    classifier = DigitClassifier(args.model, random_state=args.seed, verbose=verbose)
    classifier.fit(training.images, training.labels, X_val=validation.images, y_val=validation.labels)
    return classifier


def _evaluate(classifier: DigitClassifier, part: _Part) -> _Result:
    from sklearn.metrics import log_loss

    probabilities = classifier.predict_proba(part.images)
    predictions = classifier.classes_[probabilities.argmax(axis=1)]
    return _Result(
        n_right=int((predictions == part.labels).sum()),
        n_samples=len(part.labels),
        log_loss=float(log_loss(part.labels, probabilities, labels=classifier.classes_)),
        predictions=predictions,
    )


def _print_report(classifier: DigitClassifier, seconds: float, trained: _Result, tested: _Result) -> None:
    n_parameters = sum(array.size for array in classifier.params_.values())
    rows = {
        "model": classifier.recipe_["model"],
        "parameters": f"{n_parameters:,}",
        "device": classifier.device_,
        "epochs": str(classifier.n_epochs_),
        "seconds": f"{seconds:.1f}",
        "training accuracy": _describe_accuracy(trained),
        "test accuracy": _describe_accuracy(tested),
        "test mean log loss": f"{tested.log_loss:.4f}",
    }
    print(f"\n{_format_table(rows)}")


def _format_table(rows: dict[str, str]) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for row in rows.items():
        table.add_row(*row)
    console = Console(highlight=False, soft_wrap=True)
    # Printed by Python, not by rich, which would end the program when the reader of a pipe has gone.
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _describe_accuracy(result: _Result) -> str:
    from jaxdigits.metrics import wilson_interval

    k, n = result.n_right, result.n_samples
    low, high = wilson_interval(k, n)
    return f"{k}/{n} = {100 * k / n:.2f} %  (95 % interval {100 * low:.2f} to {100 * high:.2f} %)"


def _print_confusions(test: _Part, tested: _Result) -> None:
    from jaxdigits.metrics import commonest_confusions

    confusions = commonest_confusions(test.labels, tested.predictions)
    print("\nCommonest confusions in the test:" if confusions else "\nNo mistakes in the test.")
    for true, predicted, count in confusions:
        print(f"  {true} read as {predicted}: {count} time{'' if count == 1 else 's'}")


def _save(folder: Path, classifier: DigitClassifier, test: _Part) -> None:
    """Write the model and the pictures, and say where they are."""
    import matplotlib as mpl

    mpl.use("agg")  # pictures go to files; no window, no toolkit, no display needed
    import matplotlib.pyplot as plt

    from jaxdigits.plotting import ConfusionMatrixDisplay, MistakesDisplay, TrainingCurvesDisplay

    classifier.save(folder / "model.safetensors")
    displays: dict[str, Any] = {
        "training_curves.png": TrainingCurvesDisplay.from_estimator(classifier),
        "confusion_matrix.png": ConfusionMatrixDisplay.from_estimator(
            classifier, test.images, test.labels, labels=classifier.classes_
        ),
        "mistakes.png": MistakesDisplay.from_estimator(classifier, test.images, test.labels),
    }
    for name, display in displays.items():
        display.figure_.savefig(folder / name, dpi=150)
        plt.close(display.figure_)
    print(f"\nSaved in {folder.resolve()}:")
    print(f"  {', '.join(['model.safetensors', *displays])}")


def _print_next_commands(args: argparse.Namespace, folder: Path) -> None:
    """Suggest commands that work as they stand, also where the environment is not activated."""
    other = "cnn" if args.model == "mlp" else "mlp"
    model_file = (folder / "model.safetensors").as_posix()
    summarize = f"import jaxdigits; print(jaxdigits.load_model({model_file!r}).summary())"
    validate = (
        "from jaxdigits import DigitClassifier, load_digits; "
        "from sklearn.model_selection import cross_val_score; "
        "print(cross_val_score(DigitClassifier(model='mlp'), *load_digits(return_X_y=True)))"
    )
    print("\nNext:")
    print(f"  {_program('jaxdigits')} demo --model {other}")
    for code in (summarize, validate):
        print(f"  {_program('python')} -c {_quote(code)}")


def _program(name: str) -> str:
    """Spell a program of this environment so that the user's shell finds it."""
    here = Path(sys.executable).parent
    found = shutil.which(name)
    if found is not None and Path(found).parent == here:
        return name
    python = os.path.relpath(sys.executable) if here.is_relative_to(Path.cwd()) else sys.executable
    return _quote(python) if name == "python" else f"{_quote(python)} -m {name}"


def _quote(text: str) -> str:
    """Quote for the shell: in double quotes where that will do, which every system's shell understands."""
    if shlex.quote(text) == text:
        return text
    return shlex.quote(text) if set(text) & set('"$`!') else f'"{text}"'
