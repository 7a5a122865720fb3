"""`jaxdigits read`: read all digits of a page, line by line, and draw where they stand."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxdigits.cli.inference import add_model_argument, find_pictures, model_files, open_reader, recognizer_for
from jaxdigits.cli.outputs import check_output, check_picture, complain, figures, save_figure, warn
from jaxdigits.cli.readings import show_picture, to_shares
from jaxdigits.cli.results import count_phrase
from jaxdigits.cli.sources import STANDARD_INPUT, open_source
from jaxdigits.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jaxdigits.recognize import Reading, Recognizer

__all__ = ["add_arguments", "run"]


LONGEST_DRAWN = 2000
"""Pixels of a page's longer side that are drawn."""


@dataclass(frozen=True)
class _Page:
    """One picture and what was read in it."""

    name: str
    stem: str
    reading: Reading
    picture: NDArray[Any] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import read
    >>> parser = argparse.ArgumentParser()
    >>> read.add_arguments(parser)
    >>> parser.parse_args(["page.jpg", "-o", "page.png"]).output.name
    'page.png'
    """
    parser.add_argument(
        "pages",
        metavar="PAGE",
        nargs="+",
        help="photo or scan with several digits, folder of such, or - for one on standard input",
    )
    add_model_argument(parser)
    parser.add_argument(
        "--json", action="store_true", help="write JSON lines with the box and the probabilities of each digit"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="annotated picture to write, or a folder for several (default: PAGE-read.png in the working folder; "
        "none with --json)",
    )


def run(args: argparse.Namespace) -> int:
    """Read the pages, tell the digits, and draw where they stand; nothing at all if a file cannot be read.

    A page without digits gets a line on standard error and makes the status 2. The others are told all the same.

    Parameters
    ----------
    args : argparse.Namespace
        As `add_arguments` declares it.

    Returns
    -------
    status : int
        0 if there are digits on each page, else 2.

    Raises
    ------
    InputError
        If the model or a picture cannot be read, or a file cannot be written.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["read", "page.jpg"])  # doctest: +SKIP
    314
    159
    Saved page-read.png.
    0
    """
    inputs = [Path(name) for name in args.pages if name != STANDARD_INPUT]
    _check(args, inputs)
    recognizer = recognizer_for(open_reader(args.model), args.pages[0])
    draws = not args.json or args.output is not None
    pages = [page for name in args.pages for page in _read(name, recognizer, draws=draws)]
    drawings = _choose_files(pages, args.output, [*inputs, *model_files(args.model)]) if draws else {}
    for number, page in enumerate(pages):
        if args.json:
            print(json.dumps(_to_plain(page, recognizer)), flush=True)
        elif page.reading.digits:
            print(f"{page.name}:\n{page.reading.text}" if len(pages) > 1 else page.reading.text, flush=True)
        _draw(page, drawings.get(number), quiet=args.json)
    return _tell_problems(pages)


def _check(args: argparse.Namespace, inputs: list[Path]) -> None:
    if args.pages.count(STANDARD_INPUT) > 1:
        raise InputError(f"{STANDARD_INPUT} must be given once, got it {args.pages.count(STANDARD_INPUT)} times.")
    several = len(args.pages) > 1 or any(path.is_dir() for path in inputs)
    if args.output is None or args.output.is_dir():
        return
    if several:
        raise InputError(f"-o must name a folder that exists for several pages, got {str(args.output)!r}. Make one.")
    check_picture(args.output, option="-o", inputs=[*inputs, *model_files(args.model)])


def _read(name: str, recognizer: Recognizer, *, draws: bool) -> list[_Page]:
    with open_source(name) as source:
        files = find_pictures(source)
        if files is None:
            raise InputError(f"{name} is a data set, but read takes photos and scans of pages. Use jaxdigits predict.")
        pages = []
        for path in files:
            with source.named():
                reading = recognizer.read_page(path)
                picture = show_picture(path, longest=LONGEST_DRAWN) if draws and reading.digits else None
            stem = "standard-input" if source.is_standard_input else path.stem
            pages.append(_Page(source.shown(path), stem, reading, picture))
    return pages


def _choose_files(pages: list[_Page], output: Path | None, inputs: list[Path]) -> dict[int, Path]:
    """Choose where to draw each page, no two into one file and none into what is read."""
    if output is not None and not output.is_dir():
        return {0: output}
    chosen: dict[int, Path] = {}
    for number, page in enumerate(pages):
        name, count = f"{page.stem}-read.png", 2
        while (output or Path()) / name in chosen.values():
            name, count = f"{page.stem}-{count}-read.png", count + 1
        chosen[number] = (output or Path()) / name
        check_output(chosen[number], option="the annotated picture (-o)", inputs=inputs)
    return chosen


def _draw(page: _Page, path: Path | None, *, quiet: bool) -> None:
    if path is None or page.picture is None:
        return
    figures()
    from jaxdigits.plotting import AnnotatedPageDisplay

    save_figure(AnnotatedPageDisplay.from_reading(page.picture, page.reading).figure_, path)
    if not quiet:
        print(f"Saved {path}.")


def _tell_problems(pages: list[_Page]) -> int:
    """Say what could not be read, or not surely, and return the status."""
    status = 0
    for page in pages:
        digits = page.reading.digits
        n_unsure, n_others = sum(not digit.sure for digit in digits), len(page.reading.others)
        if n_others:
            left_out = "1 thing that looks" if n_others == 1 else f"{n_others:,} things that look"
            warn(f"{page.name}: left out {left_out} like no digit.")
        if not digits:
            status = 2
            complain(f"{page.name}: no digits found. Take it from closer up, or in more light.")
        elif n_unsure:
            warn(f"{page.name}: not sure of {n_unsure:,} of {count_phrase(len(digits), 'digit')}.")
    return status


def _to_plain(page: _Page, recognizer: Recognizer) -> dict[str, Any]:
    reading, classes = page.reading, recognizer.classes_.tolist()
    digits = [
        {
            "digit": digit.label,
            "probability": round(float(digit.probability), 6),
            "probabilities": to_shares(classes, digit.probabilities),
            "sure": bool(digit.sure and digit.looks_like_digit),
            "line": number,
            "box": digit.box and [int(side) for side in digit.box],
            "diagnosis": digit.diagnosis.to_dict(),
        }
        for number, line in enumerate(reading.lines, start=1)
        for digit in line
    ]
    return {
        "file": page.name,
        "lines": reading.text.splitlines(),
        "digits": digits,
        "n_left_out": len(reading.others),
        "angle": float(reading.angle),
        "size": list(reading.size),
        "diagnosis": reading.diagnosis.to_dict(),
    }
