"""`jaxdigits demo`: train on real digits, tell how well it went, and leave pictures of it in a folder."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.fitting import add_seed_argument, check_model, describe_training, save_report, train
from jaxdigits.cli.outputs import figures, format_rows, save_figure, write_whole
from jaxdigits.cli.results import describe_confusions
from jaxdigits.cli.sources import KNOWN, Source
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jaxdigits.cli.fitting import Training
    from jaxdigits.data.datasets import Dataset
    from jaxdigits.estimator import DigitClassifier

__all__ = ["add_arguments", "run"]

TEST_FRACTION = 0.25
VALIDATION_FRACTION = 0.1  # of what is left to learn from; it draws the curves and decides nothing
PICTURE_SIDE = 224  # pixels of the picture of one digit that is left in the folder


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
        "--dataset",
        choices=tuple(KNOWN),
        default="digits",
        help="digits, the default: 1,797 of 8x8 pixels that come with scikit-learn; mnist: 70,000 of 28x28, downloaded "
        "once, one or two minutes of training on two cores",
    )
    add_seed_argument(parser)
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
        `model`, `dataset`, `seed` and `output`, as `add_arguments` declares them.

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
    >>> args = argparse.Namespace(model="linear", dataset="digits", seed=0, output=pathlib.Path("out"))
    >>> demo.run(args)  # doctest: +SKIP
    0
    """
    check_model(args.model)
    folder = _make_folder(args.output)
    print("Reading real handwritten digits ...", flush=True)
    training, validation, test = _split_digits(args.dataset, args.seed)
    n_digits, (height, width) = len(training) + len(validation) + len(test), test.X.shape[1:]
    print(
        f"{n_digits:,} digits of {height}x{width} pixels: {len(training):,} to learn from, "
        f"{len(validation):,} to watch the learning, {len(test):,} held out for the test.",
        flush=True,
    )
    verbose = int(sys.stderr is not None and sys.stderr.isatty())
    done = train(_make_classifier(args.model, args.seed, verbose), training, test, validation=validation)
    print(f"\n{format_rows(describe_training(done, tested_on='test'))}")
    assert done.tested is not None
    assert test.y is not None
    print(f"\n{describe_confusions(test.y, done.tested, where='in the test')}")
    _save(folder, done, test)
    _print_next_commands(folder)
    return 0


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


def _split_digits(name: str, seed: int) -> tuple[Dataset, Dataset, Dataset]:
    """Split the digits, each class alike, into what is learned, what is watched and what is tested."""
    source = Source(name, None)
    if source.splits:
        rest, test = source.read("train"), source.read("test")
    else:
        rest, test = source.read().split(TEST_FRACTION, random_state=seed)
    training, validation = rest.split(VALIDATION_FRACTION, random_state=seed)
    return training, validation, test


def _make_classifier(model: str, seed: int, verbose: int) -> DigitClassifier:
    from jaxdigits.estimator import DigitClassifier

    return DigitClassifier(model, random_state=seed, verbose=verbose)


def _save(folder: Path, done: Training, test: Dataset) -> None:
    """Write the model, the pictures, the report and the digits of the test, and say where they are."""
    figures()
    from jaxdigits.plotting import ConfusionMatrixDisplay, MistakesDisplay, TrainingCurvesDisplay

    classifier = done.classifier
    labels: Any = test.y
    classifier.save(folder / "model.safetensors")
    displays: dict[str, Any] = {
        "training_curves.png": TrainingCurvesDisplay.from_estimator(classifier),
        "confusion_matrix.png": ConfusionMatrixDisplay.from_estimator(
            classifier, test.X, labels, labels=classifier.classes_, thumbnails=True
        ),
        "mistakes.png": MistakesDisplay.from_estimator(classifier, test.X, labels),
    }
    for name, display in displays.items():
        save_figure(display.figure_, folder / name)
    save_report(done, test, folder / "report.html")
    write_whole(folder / "digit.png", _draw_digit(test.X[0], white=float(test.X.max())))
    write_whole(folder / "test.npz", _pack(test))
    print(f"\nSaved in {folder.resolve()}:")
    print(f"  {', '.join(['model.safetensors', *displays])}")
    print("  report.html, a page about all of it, with what it misread")
    print("  digit.png and test.npz, a digit of the test and all of them, for the commands below")


def _draw_digit(image: NDArray[Any], *, white: float) -> bytes:
    """Return a picture of one digit, dark ink on white, large enough to look at."""
    import numpy as np
    from PIL import Image

    levels = np.rint(255 - 255 / white * image).astype(np.uint8)
    factor = max(1, PICTURE_SIDE // max(image.shape))
    content = io.BytesIO()
    Image.fromarray(levels.repeat(factor, axis=0).repeat(factor, axis=1)).save(content, format="png")
    return content.getvalue()


def _pack(test: Dataset) -> bytes:
    """Return the digits of the test as an npz archive, in one byte a pixel."""
    import numpy as np

    content = io.BytesIO()
    np.savez_compressed(content, X=test.X.astype(np.uint8), y=np.asarray(test.y))
    return content.getvalue()


def _print_next_commands(folder: Path) -> None:
    """Suggest commands that work as they stand, also where the environment is not activated."""
    model, digit, test = ((folder / name).as_posix() for name in ("model.safetensors", "digit.png", "test.npz"))
    commands = [
        ["predict", digit, "--model", model],
        ["evaluate", test, "--model", model],
        ["info", model],
    ]
    print("\nNext:")
    for command in commands:
        print(f"  {_program()} {' '.join(map(_quote, command))}")


def _program() -> str:
    """Spell the program of this environment so that the user's shell finds it."""
    here = Path(sys.executable).parent
    found = shutil.which("jaxdigits")
    if found is not None and Path(found).parent == here:
        return "jaxdigits"
    python = os.path.relpath(sys.executable) if here.is_relative_to(Path.cwd()) else sys.executable
    return f"{_quote(python)} -m jaxdigits"


def _quote(text: str) -> str:
    """Quote for the shell: in double quotes where that will do, which every system's shell understands."""
    if shlex.quote(text) == text:
        return text
    return shlex.quote(text) if set(text) & set('"$`!') else f'"{text}"'
