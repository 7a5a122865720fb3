"""All questions of speed, one after the other.

    python -m benchmarks.speed                            about 55 minutes on two quiet cores
    python -m benchmarks.speed --quick --output FOLDER    does everything run?
    python -m benchmarks.speed --list                     the questions and how long each takes

A run that was stopped goes on where it stood when the same command is given again, as long as the code is committed
and unchanged: what was measured with other code is measured again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from benchmarks.harness import PageMaker
from benchmarks.harness import main as ask

__all__ = ["QUESTIONS", "main"]

QUESTIONS = (
    "start",
    "one_row",
    "many_images",
    "mlp_epoch",
    "cnn_epoch",
    "cold_mlp",
    "time_to_accuracy",
    "grid_search",
    "workers",
    "check_estimator",
    "footprint",
    "scaling",
)
"""In this order: what a busy machine disturbs most comes first."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask all questions; those that fail are named at the end, and the others are asked all the same.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own. Those that this program does not know are handed on.

    Returns
    -------
    status : int
        0; 1 if a question failed; 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description="Ask all questions of speed.")
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=QUESTIONS, metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the questions and how long each takes")
    args, rest = parser.parse_known_args(arguments)
    failed = []
    for name in args.questions:
        module = import_module(f"benchmarks.bench_{name}")
        print(f"{name}: about {module.QUESTION.minutes:g} minutes. {module.QUESTION.title}", flush=True)
        if args.list:
            continue
        began = time.perf_counter()
        status = _ask(module, rest)
        if status == 130:
            return status
        failed += [name] * bool(status)
        print(f"{name}: took {(time.perf_counter() - began) / 60:.1f} minutes\n", flush=True)
    if not args.list:
        _summarize(rest)
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def _summarize(rest: Sequence[str]) -> None:
    """Renew the table of all questions, where the results went."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--output")
    output = parser.parse_known_args(rest)[0].output
    import_module("benchmarks.speed_summary").main([] if output is None else ["--output", output])


def _ask(module: object, rest: Sequence[str]) -> int:
    make: PageMaker | None = getattr(module, "make_page", None)
    status: int = ask(module.QUESTION, rest, make=make)  # type: ignore[attr-defined]
    return status


if __name__ == "__main__":
    sys.exit(main())
