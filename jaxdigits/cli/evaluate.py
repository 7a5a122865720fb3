"""`jaxdigits evaluate`: how well a model reads labeled data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.inference import Reader, Samples, add_model_argument, model_files, open_reader, read_samples
from jaxdigits.cli.outputs import (
    add_picture_argument,
    check_picture,
    figures,
    format_rows,
    format_table,
    remark,
    save_figure,
)
from jaxdigits.cli.results import Result, count_phrase, describe_accuracy, describe_confusions, judge
from jaxdigits.cli.sources import SPLITS, add_data_argument, open_source
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    >>> from jaxdigits.cli import evaluate
    >>> parser = argparse.ArgumentParser()
    >>> evaluate.add_arguments(parser)
    >>> parser.parse_args(["test.csv", "--model", "model.safetensors", "--json"]).json
    True
    """
    add_data_argument(parser)
    add_model_argument(parser)
    parser.add_argument("--split", choices=SPLITS, help="part of DATA to read (default: test where there is one)")
    parser.add_argument("--json", action="store_true", help="write one JSON object instead of tables")
    add_picture_argument(parser, "the confusion matrix")


def run(args: argparse.Namespace) -> int:
    """Read the data, let the model read them, and report.

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
        If the model or the data cannot be used, or a file cannot be written.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["evaluate", "test.csv", "--model", "model.safetensors"])  # doctest: +SKIP
    0
    """
    check_picture(args.picture, inputs=[Path(args.data), *model_files(args.model)])
    reader = open_reader(args.model)
    with open_source(args.data) as source:
        remark(f"Reading {source.name} ...")
        samples = read_samples(source, reader, split=args.split)
        name = f"{source.name} ({samples.split} set)" if samples.split else source.name
    if samples.labels is None:
        raise InputError(f"{name} has no labels to compare with. Use jaxdigits predict, or give labeled data.")
    try:
        result = judge(reader, samples.X, samples.labels)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if args.picture is not None:
        _draw(args.picture, samples, result, reader.classes_)
    if args.json:
        print(json.dumps({"data": name, "model": reader.name, **_to_plain(samples, result, reader)}))
    else:
        _print_report(name, samples, result, reader)
    return 0


def _print_report(name: str, samples: Samples, result: Result, reader: Reader) -> None:
    from jaxdigits.metrics import rates_by_class

    rows = {
        "data": f"{name}, {count_phrase(result.n_samples, 'sample')}",
        "model": reader.name,
        "brought in": samples.how,
        "accuracy": describe_accuracy(result),
        "mean log loss": f"{result.log_loss:.4f}",
    }
    print(format_rows({key: value for key, value in rows.items() if value}))
    table = [
        [str(rates.label), f"{rates.n_samples:,}", *map(_percent, (rates.recall, rates.precision, rates.f1))]
        for rates in rates_by_class(samples.labels, result.predictions, reader.classes_)  # type: ignore[arg-type]
    ]
    print(f"\n{format_table(['class', 'samples', 'recall', 'precision', 'F1'], table)}")
    print(f"\n{describe_confusions(samples.labels, result)}")  # type: ignore[arg-type]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _to_plain(samples: Samples, result: Result, reader: Reader) -> dict[str, Any]:
    from jaxdigits.metrics import commonest_confusions, rates_by_class, wilson_interval

    labels: Any = samples.labels
    classes = reader.classes_
    confusions = commonest_confusions(labels, result.predictions)
    return {
        "n_samples": result.n_samples,
        "n_right": result.n_right,
        "accuracy": result.n_right / result.n_samples,
        "accuracy_interval_95": list(wilson_interval(result.n_right, result.n_samples)),
        "mean_log_loss": result.log_loss,
        "classes": [rates._asdict() for rates in rates_by_class(labels, result.predictions, classes)],
        "commonest_confusions": [
            {"true": true, "predicted": predicted, "count": count} for true, predicted, count in confusions
        ],
        "confusion_matrix": [
            [int(((labels == true) & (result.predictions == predicted)).sum()) for predicted in classes]
            for true in classes
        ],
    }


def _draw(path: Path, samples: Samples, result: Result, classes: NDArray[Any]) -> None:
    figures()
    from jaxdigits.plotting import ConfusionMatrixDisplay

    labels: Any = samples.labels
    display = ConfusionMatrixDisplay.from_predictions(labels, result.predictions, labels=classes)
    save_figure(display.figure_, path)
