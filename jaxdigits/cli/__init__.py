"""The command line: `jaxdigits COMMAND ...`, one module a command.

A command's module has `add_arguments(parser)` and `run(args) -> int`, and imports what is heavy inside them,
so that asking for help costs nothing. The exit status is 0 when all went well, 1 when jaxdigits failed, 2
when the user has to change something, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

from jaxdigits import __version__
from jaxdigits.errors import InputError, JaxDigitsError

__all__ = ["COMMANDS", "main", "make_parser"]

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("jaxdigits.cli.demo", "train on real digits and show what came out; needs no files"),
    "train": ("jaxdigits.cli.train", "train on your labeled digits and save the model"),
    "evaluate": ("jaxdigits.cli.evaluate", "tell how well a model reads labeled digits"),
    "predict": ("jaxdigits.cli.predict", "read the digit in each picture; folders, tables and pipes too"),
    "read": ("jaxdigits.cli.read", "read all digits of a photo or a scan, line by line, and draw where they stand"),
    "serve": ("jaxdigits.cli.serve", "show the web page: draw, drop or photograph digits, and see what the model sees"),
    "kaggle": ("jaxdigits.cli.kaggle", "make a submission from train.csv and test.csv"),
    "info": ("jaxdigits.cli.info", "tell what is in a data set or a model file, or what this machine has"),
    "completion": ("jaxdigits.cli.completion", "write the script by which your shell completes commands"),
}
"""Commands by name: (module, one line of help)."""

TRACEBACK_VARIABLE = "JAXDIGITS_TRACEBACK"


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are exceptions like all others: one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}. See {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the program's name; None takes those of the process.

    Returns
    -------
    status : int
        0 when all went well, 1 when jaxdigits failed, 2 when the user has to change something, 130 after
        Ctrl-C, 141 when the reader of the output went away. Setting the environment variable
        JAXDIGITS_TRACEBACK=1 shows where an error came from.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["--version"])
    jaxdigits ...
    0
    """
    status = _run_guarded(list(sys.argv[1:] if argv is None else argv))
    try:
        if sys.stdout is not None:
            sys.stdout.flush()  # a reader that has gone is noticed here, not while Python shuts down
    except BrokenPipeError:
        return _leave_quietly()
    return status


def _run_guarded(arguments: list[str]) -> int:
    """Run one command and turn whatever ends it into an exit status."""
    try:
        with _quiet_libraries():
            return _run(arguments)
    except SystemExit as leaving:  # argparse leaves this way after --help and --version
        return leaving.code if isinstance(leaving.code, int) else 0
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        return _leave_quietly()
    except InputError as error:
        return _complain(str(error), 2)
    except JaxDigitsError as error:
        return _complain(str(error), 1)
    except Exception as error:
        hint = "" if _wants_traceback() else f" (set {TRACEBACK_VARIABLE}=1 to see where)"
        return _complain(f"failed with {type(error).__name__}: {error}{hint}", 1)


def _run(arguments: list[str]) -> int:
    named = next((argument for argument in arguments if not argument.startswith("-")), None)
    if named is not None and named not in COMMANDS:
        raise InputError(_describe_unknown(named))
    parser = make_parser([] if named is None else [named])
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return 0
    status: int = import_module(COMMANDS[args.command][0]).run(args)
    return status


def make_parser(complete: Collection[str] = ()) -> argparse.ArgumentParser:
    """Make the parser of the whole command line.

    Parameters
    ----------
    complete : collection of str, default=()
        Commands whose own options are declared; the modules of the others stay unread.

    Returns
    -------
    argparse.ArgumentParser

    Examples
    --------
    >>> from jaxdigits.cli import make_parser
    >>> make_parser(["info"]).parse_args(["info", "--system"]).system
    True
    """
    parser = _Parser(prog="jaxdigits", description="Recognize handwritten digits.")
    parser.add_argument("--version", action="version", version=f"jaxdigits {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name in complete:
            import_module(module).add_arguments(command)
    return parser


def _describe_unknown(name: str) -> str:
    close = difflib.get_close_matches(name, COMMANDS, n=1)
    advice = f"Did you mean {close[0]}?" if close else "See jaxdigits --help."
    return f"unknown command {name!r}, expected one of: {', '.join(COMMANDS)}. {advice}"


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep the remarks of libraries off the screen, which a user of a command can do nothing about.

    JAX tells that an accelerator was not found, XLA's C++ logs beside it, Matplotlib tells that it builds its
    font cache. Whoever asks Python for warnings (`python -W`, PYTHONWARNINGS) gets them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # XLA reads it once, when JAX is imported
    loggers = [logging.getLogger(name) for name in ("jax", "jaxlib", "matplotlib", "absl")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _wants_traceback() -> bool:
    return os.environ.get(TRACEBACK_VARIABLE, "") not in ("", "0")


def _complain(message: str, status: int) -> int:
    """Write one line on standard error, after the traceback where that is asked for."""
    try:
        if _wants_traceback():
            traceback.print_exc()
        print(f"jaxdigits: {' '.join(message.split())}", file=sys.stderr)
    except (OSError, ValueError):
        pass  # nobody is there to read it; the status still tells
    return status


def _leave_quietly() -> int:
    """Point standard output at nothing, or Python would complain of the broken pipe once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141  # what shells report of a program ended by SIGPIPE
