"""`jaxdigits serve`: the web page, on this machine."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
from importlib.util import find_spec

from jaxdigits.cli.inference import add_model_argument, open_reader, recognizer_for
from jaxdigits.cli.outputs import warn
from jaxdigits.errors import InputError

__all__ = ["NEEDED", "add_arguments", "run"]

HOST = "127.0.0.1"
PORT = 8000

NEEDED = {"fastapi": "fastapi", "uvicorn": "uvicorn", "httptools": "httptools", "python_multipart": "python-multipart"}
"""Modules of the extra `serve`, and the packages that bring them."""


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's malloc.h."""

RETURNED_BYTES = 2**22
"""Freed blocks of this size go back to the system; left alone, glibc holds 20 MiB more after 3,000 broken pictures."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The command's own parser.

    Examples
    --------
    >>> import argparse
    >>> from jaxdigits.cli import serve
    >>> parser = argparse.ArgumentParser()
    >>> serve.add_arguments(parser)
    >>> parser.parse_args([]).port
    8000
    """
    parser.add_argument(
        "--host", default=HOST, help=f"address to answer at; 0.0.0.0 for all networks (default: {HOST}, this machine)"
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"port, or 0 for any that is free (default: {PORT})")
    add_model_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C or SIGTERM; what was asked by then is answered first.

    Parameters
    ----------
    args : argparse.Namespace
        `host`, `port` and `model`, as `add_arguments` declares them.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    InputError
        If the extra is not installed, the address can't be had, or the model reads no pictures.

    Examples
    --------
    >>> from jaxdigits.cli import main
    >>> main(["serve", "--port", "8000"])  # doctest: +SKIP
    Reading digits at http://127.0.0.1:8000 with the model small. Ctrl-C stops.
    0
    """
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise InputError(f"serve needs {', '.join(missing)}, not installed. Use: python -m pip install '.[serve]'")
    # The products of a digit are so small that two threads get in each other's way: 2.1 ms alone, 0.22 ms with one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _return_freed_memory()
    from jaxdigits.serve.server import bind, is_loopback, make_server, name_address

    with bind(args.host, args.port) as opened:
        from jaxdigits.serve.app import make_app

        reader = open_reader(args.model)
        app = make_app(recognizer_for(reader, "what the page sends"), name=reader.name)

        def tell() -> None:
            if not is_loopback(opened):
                warn(f"bound to {args.host}: everyone on this network can reach the page.")
            print(f"Reading digits at {name_address(opened)} with the model {reader.name}. Ctrl-C stops.", flush=True)

        make_server(app, opened, on_start=tell).run()
    return 0


def _return_freed_memory() -> None:
    """Fix two thresholds of glibc, which otherwise grow with what is freed; other systems have none."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, RETURNED_BYTES)
        mallopt(M_TRIM_THRESHOLD, RETURNED_BYTES)
