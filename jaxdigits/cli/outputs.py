"""What a command leaves behind: whole files, tables on the screen, and remarks for whoever is watching."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxdigits.errors import InputError

__all__ = [
    "PICTURE_FORMATS",
    "add_picture_argument",
    "check_output",
    "check_picture",
    "complain",
    "figures",
    "format_rows",
    "format_table",
    "remark",
    "save_figure",
    "warn",
    "write_whole",
]

PICTURE_FORMATS = (".png", ".svg", ".pdf")
"""Endings of the pictures that commands write."""

DATA_ENDINGS = (
    ".csv",
    ".tsv",
    ".gz",
    ".npz",
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".webp",
    ".pgm",
)


def remark(text: str) -> None:
    """Write a line on standard error if that is a terminal; pipes and files stay quiet.

    Parameters
    ----------
    text : str
        What somebody who waits would like to know.

    Examples
    --------
    >>> from jaxdigits.cli.outputs import remark
    >>> remark("Reading ...")
    """
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None and sys.stderr.isatty():
            print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Write a line on standard error, wherever it goes: something that the user should know of the result.

    Parameters
    ----------
    text : str
        What to know.

    Examples
    --------
    >>> from jaxdigits.cli.outputs import warn
    >>> warn("channels means nothing for this model")
    """
    complain(f"note: {text}")


def complain(text: str) -> None:
    """Write a line on standard error, wherever it goes: something that went wrong while the rest went on.

    Parameters
    ----------
    text : str
        What, and what to do.

    Examples
    --------
    >>> from jaxdigits.cli.outputs import complain
    >>> complain("photo.jpg: found 5 digits. Use: jaxdigits read photo.jpg")
    """
    with contextlib.suppress(OSError, ValueError):
        print(f"jaxdigits: {' '.join(text.split())}", file=sys.stderr, flush=True)


def check_output(path: Path, *, option: str, inputs: Sequence[Path] = ()) -> None:
    """Refuse a place that cannot be written or that holds what is read, before any work is done.

    Parameters
    ----------
    path : Path
        File to be written.
    option : str
        The option that named it.
    inputs : sequence of Path, default=()
        Files and folders that the command reads.

    Raises
    ------
    InputError
        If the folder is missing or cannot be written, or the path is a folder, a device, or one of the inputs.

    Examples
    --------
    >>> import pathlib
    >>> from jaxdigits.cli.outputs import check_output
    >>> check_output(pathlib.Path("model.safetensors"), option="-o")
    """
    folder = path.resolve().parent
    if not folder.is_dir():
        raise InputError(
            f"{option} must name a file in a folder that exists, got {str(path)!r}. Make the folder first."
        )
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device"
        raise InputError(f"{option} must name a file, got {kind}, {str(path)!r}. Name a file.")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{option} must name a file that can be written, got {str(path)!r}. Name another folder.")
    for source in inputs:
        if path.exists() and _would_overwrite(path, source):
            raise InputError(f"{option} must not overwrite what is read, got {str(path)!r}. Name another file.")


def _would_overwrite(path: Path, source: Path) -> bool:
    if not source.exists():
        return False
    if source.is_dir():
        return path.resolve().is_relative_to(source.resolve()) and path.name.lower().endswith(DATA_ENDINGS)
    # The labels of an IDX file lie beside it under a name of their own.
    beside = path.resolve().parent == source.resolve().parent and "-ubyte" in path.name
    return beside or path.samefile(source)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    It is written beside its place and then moved there; one that was there keeps its permissions.

    Parameters
    ----------
    path : Path
        Where to.
    content : bytes
        All of it.

    Raises
    ------
    InputError
        If it cannot be written.

    Examples
    --------
    >>> import pathlib
    >>> from jaxdigits.cli.outputs import write_whole
    >>> write_whole(pathlib.Path("answer.txt"), b"7")
    >>> pathlib.Path("answer.txt").read_text()
    '7'
    """
    from jaxdigits import persistence

    try:
        persistence.write_whole(path, [content])
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot write {str(path)!r}: {reason}. Check the folder and its room.") from error


def add_picture_argument(parser: argparse.ArgumentParser, shows: str) -> None:
    """Declare `--picture`.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.
    shows : str
        What the picture shows.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli.outputs import add_picture_argument
    >>> parser = argparse.ArgumentParser()
    >>> add_picture_argument(parser, "the curves")
    >>> parser.parse_args(["--picture", "a.png"]).picture.name
    'a.png'
    """
    endings = ", ".join(PICTURE_FORMATS)
    parser.add_argument("--picture", type=Path, metavar="FILE", help=f"draw {shows} into a file ({endings})")


def check_picture(path: Path | None, *, option: str = "--picture", inputs: Sequence[Path] = ()) -> None:
    """Refuse a place for a picture as `check_output` does, and an ending of no known format.

    Parameters
    ----------
    path : Path or None
        File to be drawn; None if there is none.
    option : str, default="--picture"
        The option that named it.
    inputs : sequence of Path, default=()
        Files and folders that the command reads.

    Raises
    ------
    InputError
        As said.

    Examples
    --------
    >>> import pathlib
    >>> from jaxdigits.cli.outputs import check_picture
    >>> check_picture(pathlib.Path("curves.png"))
    """
    if path is None:
        return
    if path.suffix.lower() not in PICTURE_FORMATS:
        endings = " or ".join(PICTURE_FORMATS)
        raise InputError(f"{option} must name a file that ends in {endings}, got {str(path)!r}. Change its ending.")
    check_output(path, option=option, inputs=inputs)


def figures() -> Any:
    """Return Matplotlib's pyplot, set to draw into files: no window, no toolkit, no display needed.

    Returns
    -------
    module
        `matplotlib.pyplot`.

    Examples
    --------
    >>> from jaxdigits.cli.outputs import figures
    >>> figures().get_backend().lower()
    'agg'
    """
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    return plt


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure whole or not at all, and close it.

    Parameters
    ----------
    figure : matplotlib Figure
        The figure.
    path : Path
        Where to; its ending is one of `PICTURE_FORMATS`.

    Raises
    ------
    InputError
        If it cannot be written.

    Examples
    --------
    >>> import pathlib
    >>> from jaxdigits.cli.outputs import figures, save_figure
    >>> save_figure(figures().figure(), pathlib.Path("empty.png"))
    """
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.lower().removeprefix("."), dpi=150)
    figures().close(figure)
    write_whole(path, content.getvalue())


def format_rows(rows: Mapping[str, str]) -> str:
    """Lay out names and values in two columns; the names are bold on a terminal.

    Parameters
    ----------
    rows : mapping of str to str
        Name -> value.

    Returns
    -------
    text : str
        A line each.

    Examples
    --------
    >>> from jaxdigits.cli.outputs import format_rows
    >>> print(format_rows({"model": "cnn", "epochs": "3"}))
    model   cnn
    epochs  3
    """
    width = max(map(len, rows), default=0)
    return "\n".join(f"{_bold(f'{name:<{width}}')}  {value}".rstrip() for name, value in rows.items())


def format_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, indent: str = "") -> str:
    """Lay out a table: the first column to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : iterable of sequences of str
        Cells.
    indent : str, default=""
        Put before every line.

    Returns
    -------
    text : str
        A line for the header and one for each row.

    Examples
    --------
    >>> from jaxdigits.cli.outputs import format_table
    >>> print(format_table(["class", "samples"], [["0", "5"], ["ten", "123"]]))
    class  samples
    0            5
    ten        123
    """
    table = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for number, cells in enumerate(table):
        first, *others = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        line = "  ".join([first, *others]).rstrip()
        lines.append(indent + (line if number else _bold(line)))
    return "\n".join(lines)


def _bold(text: str) -> str:
    shown = sys.stdout is not None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[1m{text}\x1b[0m" if shown and os.environ.get("TERM", "") not in ("", "dumb") else text
