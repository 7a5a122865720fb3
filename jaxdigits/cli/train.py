"""`jaxdigits train`: train a classifier on anyone's labeled digits and save it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxdigits.cli.fitting import (
    add_training_arguments,
    describe_training,
    hold_out,
    make_classifier,
    save_report,
    train,
)
from jaxdigits.cli.outputs import (
    add_picture_argument,
    check_output,
    check_picture,
    figures,
    format_rows,
    remark,
    save_figure,
)
from jaxdigits.cli.results import count_phrase
from jaxdigits.cli.sources import Source, add_data_argument, open_source
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from jaxdigits.data.datasets import Dataset

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import train
    >>> parser = argparse.ArgumentParser()
    >>> train.add_arguments(parser)
    >>> parser.parse_args(["train.csv", "-o", "model.safetensors", "--model", "mlp"]).model
    'mlp'
    """
    add_data_argument(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="model file to write")
    # The names of the models stand in a registry that takes a second to import: it is asked in `run` only.
    parser.add_argument("--model", default="auto", metavar="NAME", help="network; an unknown name lists them all")
    add_training_arguments(parser)
    add_picture_argument(parser, "the training curves")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a page about the result (.html), with what it misread"
    )


def run(args: argparse.Namespace) -> int:
    """Read, train, report, and save.

    Where DATA holds a test set too, the accuracy is told on that; else on a part that is held out.

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
        If an option or the data are wrong, or a file cannot be written.
    DivergenceError
        If the training ran away.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["train", "digits", "-o", "digits.safetensors", "--epochs", "5"])  # doctest: +SKIP
    0
    """
    check_output(args.output, option="-o", inputs=[Path(args.data)])
    check_picture(args.picture, inputs=[Path(args.data), args.output])
    _check_report(args.report, inputs=[Path(args.data), args.output, *filter(None, [args.picture])])
    classifier = make_classifier(args, model=args.model)
    with open_source(args.data) as source:
        remark(f"Reading {source.name} ...")
        training, test = _read(source)
    tested_on = "test"
    if test is None:
        tested_on = "holdout"
        training, test = hold_out(training, args.holdout, seed=args.seed)
    if args.report is not None and test is None:
        raise InputError("--report needs samples that were not trained on, got none. Leave some out: --holdout 0.1.")
    remark(f"Training on {count_phrase(len(training), 'sample')} ...")
    done = train(classifier, training, test)
    classifier.save(args.output)
    print(format_rows(describe_training(done, tested_on=tested_on)))
    print(f"\nSaved {args.output} ({args.output.stat().st_size / 1024:,.0f} KiB).")
    if args.picture is not None:
        figures()
        from jaxdigits.plotting import TrainingCurvesDisplay

        save_figure(TrainingCurvesDisplay.from_estimator(classifier).figure_, args.picture)
        print(f"Saved {args.picture}.")
    if args.report is not None and test is not None:
        save_report(done, test, args.report)
        print(f"Saved {args.report}.")
    return 0


def _check_report(path: Path | None, *, inputs: Sequence[Path]) -> None:
    if path is None:
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--report must name a file that ends in .html, got {str(path)!r}. Change its ending.")
    check_output(path, option="--report", inputs=inputs)


def _read(source: Source) -> tuple[Dataset, Dataset | None]:
    """Read what to train on and, where the source has it, what to test on."""
    both = len(source.splits) > 1
    training = source.read("train" if both else None)
    test = source.read("test") if both else None
    if training.y is None:
        raise InputError(f"{training.path} has no labels to learn from. Add a column 'label', or name files 7_any.png.")
    if test is None or test.y is None:
        return training, None
    if test.X.shape[1:] != training.X.shape[1:]:
        raise InputError(
            f"{test.path} has samples of shape {test.X.shape[1:]}, expected {training.X.shape[1:]} as in "
            f"{training.path}. Bring both to one shape, or name the training set alone."
        )
    return training, test
