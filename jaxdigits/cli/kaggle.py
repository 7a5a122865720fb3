"""`jaxdigits kaggle`: from train.csv and test.csv to a submission for Kaggle's Digit Recognizer."""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.fitting import add_training_arguments, describe_training, hold_out, make_classifier, train
from jaxdigits.cli.inference import fit_arrays, open_model
from jaxdigits.cli.outputs import check_output, format_rows, remark, write_whole
from jaxdigits.cli.results import count_phrase
from jaxdigits.cli.sources import STANDARD_INPUT, open_source, with_light_ink
from jaxdigits.errors import InputError, JaxDigitsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jaxdigits.data.datasets import Dataset

__all__ = ["add_arguments", "run"]


TRAINING_OPTIONS = {"--epochs": "epochs", "--set": "settings", "--holdout": "holdout"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import kaggle
    >>> parser = argparse.ArgumentParser()
    >>> kaggle.add_arguments(parser)
    >>> parser.parse_args(["train.csv", "test.csv", "-o", "submission.csv"]).tables
    ['train.csv', 'test.csv']
    """
    parser.add_argument(
        "tables",
        metavar="CSV",
        nargs="+",
        help="train.csv and test.csv as Kaggle has them; test.csv alone if --model names a model file",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="submission to write, ImageId,Label"
    )
    parser.add_argument(
        "--model", default="auto", metavar="NAME|FILE", help="network to train, or a model file to predict with"
    )
    add_training_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train unless there is a model, predict the test set, and write the submission.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares it.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If an option or a table is wrong, or the submission cannot be written.
    DivergenceError
        If the training ran away.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["kaggle", "train.csv", "test.csv", "-o", "submission.csv"])  # doctest: +SKIP
    0
    """
    is_file = Path(args.model).is_file() or args.model.endswith(".safetensors")
    _check_tables(args.tables, needed=1 if is_file else 2)
    inputs = [Path(name) for name in [*args.tables, *([args.model] if is_file else [])]]
    check_output(args.output, option="-o", inputs=inputs)
    if is_file:
        model = open_model(Path(args.model))
        _refuse_training_options(args)
        test = _read(args.tables[0], labeled=False)
        predictions: NDArray[Any] = model.predict(fit_arrays(test.X, model, name=args.tables[0])[0])
    else:
        predictions = _train_and_predict(args)
    _check_count(predictions, Path(args.tables[-1]))
    rows = [f"{number},{label}" for number, label in enumerate(predictions.tolist(), start=1)]
    write_whole(args.output, "\n".join(["ImageId,Label", *rows, ""]).encode())
    print(f"Saved {args.output}: {count_phrase(len(rows), 'row')}, one for each of {Path(args.tables[-1]).name}.")
    return 0


def _refuse_training_options(args: argparse.Namespace) -> None:
    given = [option for option, name in TRAINING_OPTIONS.items() if getattr(args, name) not in (None, [])]
    if given:
        raise InputError(
            f"{', '.join(given)} must not come with a model file, which is trained already, got --model {args.model}. "
            "Leave them out, or name a network to train."
        )


def _check_tables(names: list[str], *, needed: int) -> None:
    if STANDARD_INPUT in names:
        raise InputError("kaggle reads files, got - for standard input. Name train.csv and test.csv.")
    if len(names) != needed:
        wanted = "train.csv and test.csv" if needed == 2 else "test.csv alone, as --model names a model file"
        raise InputError(f"kaggle takes {wanted}, got {count_phrase(len(names), 'file')}. Name them in this order.")


def _train_and_predict(args: argparse.Namespace) -> NDArray[Any]:
    classifier = make_classifier(args, model=args.model)
    remark("Reading the tables ...")
    training = _read(args.tables[0], labeled=True)
    test = _read(args.tables[1], labeled=False)
    if training.X.shape[1:] != test.X.shape[1:]:
        raise InputError(
            f"{args.tables[1]} has {test.X.shape[1]} columns of pixels, expected {training.X.shape[1]} as in "
            f"{args.tables[0]}. Check that the two files belong together."
        )
    rest, held_out = hold_out(training, args.holdout, seed=args.seed)
    remark(f"Training on {count_phrase(len(rest), 'sample')} ...")
    done = train(classifier, rest, held_out)
    print(format_rows(describe_training(done, tested_on="holdout")) + "\n")
    predictions: NDArray[Any] = classifier.predict(with_light_ink(test.X)[0] if done.inverted else test.X)
    return predictions


def _read(name: str, *, labeled: bool) -> Dataset:
    with open_source(name) as source:
        dataset = source.read()
    if labeled and dataset.y is None:
        raise InputError(
            f"{name} has no column 'label', expected Kaggle's train.csv. Give train.csv first, then test.csv."
        )
    if not labeled and dataset.y is not None:
        raise InputError(
            f"{name} has a column of labels, expected Kaggle's test.csv without. Give train.csv first, then test.csv."
        )
    return dataset


def _check_count(predictions: NDArray[Any], path: Path) -> None:
    """Compare with the lines of the file itself, counted apart from the reader of tables."""
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        return
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
        n_lines = 1 + sum(1 for line in file if line.strip())
    n_rows = n_lines - any(65 <= byte <= 122 for byte in first)  # a header has letters
    if len(predictions) != n_rows:
        raise JaxDigitsError(f"{path} has {n_rows} rows but {len(predictions)} predictions were made. Report this.")
