"""`jaxdigits predict`: read digits from pictures, folders, tables and pipes."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from jaxdigits.cli.inference import Reader, add_model_argument, find_pictures, model_files, open_reader, read_samples
from jaxdigits.cli.outputs import (
    add_picture_argument,
    check_output,
    check_picture,
    complain,
    remark,
    save_figure,
    write_whole,
)
from jaxdigits.cli.readings import Answer, draw_answers, percent, read_picture, to_shares
from jaxdigits.cli.results import count_phrase
from jaxdigits.cli.sources import STANDARD_INPUT, choose_split, open_source
from jaxdigits.errors import InputError

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
    >>> parser.parse_args(["seven.png", "-"]).images
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
    parser.add_argument(
        "--show", action="store_true", help="draw what the model saw beside each picture, and say into which file"
    )
    add_picture_argument(parser, "what --show draws")


def run(args: argparse.Namespace) -> int:
    """Read everything, then tell what it says; nothing at all if a file cannot be read.

    A picture that holds several digits, or none, is not guessed at: it gets a line on standard error, a row with an
    empty digit in a CSV, a null in JSON, and makes the status 2. The others are told all the same.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares it.

    Returns
    -------
    status : int
        0 if each picture was read as a digit, else 2.

    Raises
    ------
    InputError
        If the model or a picture cannot be read, or a file cannot be written.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["predict", "seven.png"])  # doctest: +SKIP
    seven.png  7  99.8 %
    0
    """
    drawing = _check(args)
    reader = open_reader(args.model)
    answers = [answer for name in args.images for answer in _read(name, reader, keep=drawing is not None)]
    if drawing is not None and all(answer.picture is None for answer in answers):
        raise InputError("--show draws pictures, got data sets alone. Leave it out, or name pictures.")
    if args.output is not None:
        write_whole(args.output, _to_csv(answers))
        remark(f"Wrote {count_phrase(len(answers), 'row')} to {args.output}.")
    elif args.json:
        print("\n".join(map(_to_json, answers)), flush=True)
    else:
        _print_answers(answers)
    if drawing is not None:
        save_figure(draw_answers(answers), drawing)  # after the words, which need not wait for it
        (remark if args.json or args.output else print)(f"Saved {drawing}.")
    problems = [f"{answer.name}: {answer.problem}" for answer in answers if answer.problem]
    for problem in problems:
        complain(problem)
    return 2 if problems else 0


def _check(args: argparse.Namespace) -> Path | None:
    """Refuse what cannot be done before any work, and tell into which file to draw, if into any."""
    n_pipes = args.images.count(STANDARD_INPUT)
    if n_pipes > 1:
        raise InputError(f"{STANDARD_INPUT} must be given once, got it {n_pipes} times.")
    inputs = [*(Path(name) for name in args.images if name != STANDARD_INPUT), *model_files(args.model)]
    if args.output is not None:
        if args.json:
            raise InputError("-o writes a CSV and --json writes JSON lines, got both. Leave one out.")
        check_output(args.output, option="-o", inputs=inputs)
    if args.picture is not None:
        check_picture(args.picture, inputs=inputs)
        return Path(args.picture)
    if not args.show:
        return None
    drawing = Path(f"{_stem_of(args.images)}-seen.png")
    check_output(drawing, option="--show (into --picture)", inputs=inputs)
    return drawing


def _stem_of(names: list[str]) -> str:
    if len(names) > 1:
        return "pictures"
    return "standard-input" if names[0] == STANDARD_INPUT else Path(names[0]).resolve().stem


def _read(name: str, reader: Reader, *, keep: bool) -> Iterator[Answer]:
    with open_source(name) as source:
        split = choose_split(source, None) if source.path is None or source.path.is_dir() else None
        pictures = find_pictures(source, split=split)
        for path in pictures or ():
            with source.named():
                yield read_picture(path, reader, name=source.shown(path), keep=keep)
        if pictures is None:
            samples = read_samples(source, reader)
            classes = reader.classes_.tolist()
            for row_name, row in zip(samples.names, reader.predict_proba(samples.X), strict=True):
                yield Answer(row_name, classes, row)


def _to_json(answer: Answer) -> str:
    return json.dumps(
        {
            "file": answer.name,
            "digit": answer.label,
            "probability": None if answer.probability is None else round(answer.probability, 6),
            "probabilities": to_shares(answer.classes, answer.probabilities),
            "not_a_digit": None if answer.not_a_digit is None else round(answer.not_a_digit, 6),
            "sure": bool(answer.probabilities is not None and answer.sure and answer.looks_like_digit),
            "diagnosis": None if answer.diagnosis is None else answer.diagnosis.to_dict(),
        }
    )


def _to_csv(answers: list[Answer]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "digit", "confidence"])
    for answer in answers:
        known = ["", ""] if answer.confidence is None else [answer.label, f"{answer.confidence:.6f}"]
        writer.writerow([answer.name, *known])
    return text.getvalue().encode()


def _print_answers(answers: list[Answer]) -> None:
    read = [answer for answer in answers if answer.probability is not None]
    width = max((len(answer.name) for answer in read), default=0)
    for answer in read:
        # Of what does not look like a digit no digit is said to be sure.
        label = answer.label if answer.looks_like_digit else "?"
        share = percent(answer.probability or 0.0) if answer.looks_like_digit else ""
        share = f"{share:>7}" if len(read) > 1 else share
        parts = (f"{answer.name:<{width}}", str(label), share, answer.words)
        print("  ".join(part for part in parts if part), flush=answer is read[-1])
