"""The same model behind what the tutorials of Flask and FastAPI show, for `benchmarks.bench_serve` to compare with.

    python -m benchmarks.serve_tutorials flask 8001
    python -m benchmarks.serve_tutorials fastapi 8002

Both take a form with a part named ``file``, read it with the packaged model `small` within the handler, and return a
dict, as their pages on uploads do; Flask's own server answers in threads, FastAPI runs on uvicorn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from jaxdigits import load_pretrained

__all__ = ["TUTORIALS", "main"]


def _serve_flask(port: int) -> None:
    import logging

    from flask import Flask, request

    app, recognizer = Flask(__name__), load_pretrained("small")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    @app.post("/predict")
    def predict() -> dict[str, Any]:
        return recognizer.read_digit(request.files["file"].read()).to_dict()

    app.run(port=port, threaded=True)


def _serve_fastapi(port: int) -> None:
    import uvicorn
    from fastapi import FastAPI, UploadFile

    app, recognizer = FastAPI(), load_pretrained("small")

    # Their annotations are looked up in the module where they stand as text, where UploadFile is not known.
    def predict(file: Any) -> dict[str, Any]:
        return recognizer.read_digit(file.file.read()).to_dict()

    predict.__annotations__ = {"file": UploadFile, "return": dict[str, Any]}
    app.post("/predict")(predict)
    uvicorn.run(app, port=port, log_level="error")


TUTORIALS: dict[str, Callable[[int], None]] = {"flask": _serve_flask, "fastapi": _serve_fastapi}
"""Name of a framework -> what serves as its tutorial does, on a port of this machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until ended.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve_tutorials", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=tuple(TUTORIALS))
    parser.add_argument("port", type=int)
    args = parser.parse_args(arguments)
    TUTORIALS[args.name](args.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
