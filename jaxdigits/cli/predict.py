"""`jaxdigits predict`: read digits from pictures, folders, tables and pipes."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.inference import Samples, add_model_argument, open_model, read_samples
from jaxdigits.cli.outputs import check_output, remark, write_whole
from jaxdigits.cli.results import count_phrase
from jaxdigits.cli.sources import STANDARD_INPUT, open_source
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jaxdigits.lite import LiteModel

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
    >>> from jaxdigits.cli import predict
    >>> parser = argparse.ArgumentParser()
    >>> predict.add_arguments(parser)
    >>> parser.parse_args(["seven.png", "-", "--model", "model.safetensors"]).images
    ['seven.png', '-']
    """
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help="picture of one digit, folder of such, CSV, npz or IDX file, or - for one of them on standard input",
    )
    add_model_argument(parser)
    parser.add_argument("--json", action="store_true", help="write JSON lines with the probability of each class")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write a CSV with file, digit and confidence; shows nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Read everything, then tell what it says: all or, if anything cannot be read, nothing.

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
        If the model or a picture cannot be read, or the file cannot be written.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["predict", "seven.png", "--model", "model.safetensors"])  # doctest: +SKIP
    seven.png  7  99.8 %
    0
    """
    if args.images.count(STANDARD_INPUT) > 1:
        raise InputError(f"{STANDARD_INPUT} must be given once, got it {args.images.count(STANDARD_INPUT)} times.")
    if args.output is not None:
        if args.json:
            raise InputError("-o writes a CSV and --json writes JSON lines, got both. Leave one out.")
        inputs = [Path(name) for name in args.images if name != STANDARD_INPUT]
        check_output(args.output, option="-o", inputs=[*inputs, *([args.model] if args.model else [])])
    model = open_model(args.model)
    read = [(samples, model.predict_proba(samples.X)) for samples in (_read(name, model) for name in args.images)]
    names = [name for samples, _ in read for name in samples.names]
    rows = [row for _, probabilities in read for row in probabilities]
    if args.output is not None:
        write_whole(args.output, _to_csv(names, rows, model))
        remark(f"Wrote {count_phrase(len(names), 'row')} to {args.output}.")
    elif args.json:
        print("\n".join(_to_json(name, row, model) for name, row in zip(names, rows, strict=True)))
    else:
        _print_readings(names, rows, model)
    return 0


def _read(name: str, model: LiteModel) -> Samples:
    with open_source(name) as source:
        return read_samples(source, model)


def _best(row: NDArray[Any], model: LiteModel) -> tuple[Any, float]:
    index = int(row.argmax())
    return model.classes_[index].item() if hasattr(model.classes_[index], "item") else model.classes_[index], row[index]


def _to_json(name: str, row: NDArray[Any], model: LiteModel) -> str:
    digit, confidence = _best(row, model)
    shares = {str(label): round(float(share), 6) for label, share in zip(model.classes_, row, strict=True)}
    return json.dumps(
        {"file": name, "digit": digit, "confidence": round(float(confidence), 6), "probabilities": shares}
    )


def _to_csv(names: list[str], rows: list[NDArray[Any]], model: LiteModel) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "digit", "confidence"])
    for name, row in zip(names, rows, strict=True):
        digit, confidence = _best(row, model)
        writer.writerow([name, digit, f"{confidence:.6f}"])
    return text.getvalue().encode()


def _print_readings(names: list[str], rows: list[NDArray[Any]], model: LiteModel) -> None:
    width = max(map(len, names))
    for name, row in zip(names, rows, strict=True):
        digit, confidence = _best(row, model)
        print(f"{name:<{width}}  {digit}  {_percent(confidence)}")


def _percent(share: float) -> str:
    """Write a probability; what rounds to 100 % though it is not says so."""
    return ">99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"
