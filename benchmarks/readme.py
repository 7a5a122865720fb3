"""Put the tables of the result files into the README, so that no figure in it is typed by hand.

    python -m benchmarks.readme            write them
    python -m benchmarks.readme --check    say whether they are up to date

A table stands between the lines `<!-- results: NAME -->` and `<!-- end -->`; it comes from `results/NAME.md`, whose
title, if it has one, is left out.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

TOP_FOLDER = Path(__file__).resolve().parents[1]
RESULTS = TOP_FOLDER / "benchmarks" / "results"
SECTION = re.compile(r"(<!-- results: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, results: Path = RESULTS) -> str:
    """Replace every section by the table it names.

    Parameters
    ----------
    text : str
        The README.
    results : Path
        Folder of the tables.

    Returns
    -------
    str
        The README with today's tables.
    """

    def table(found: re.Match[str]) -> str:
        page = (results / f"{found['name']}.md").read_text(encoding="utf-8")
        page = re.sub(r"\A# .*\n+", "", page).strip()
        return f"{found[1]}\n{page}\n\n{found[3]}"

    return SECTION.sub(table, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them; return 1 if the check fails."""
    parser = argparse.ArgumentParser(description="Put the tables of the result files into the README.")
    parser.add_argument("--check", action="store_true", help="change nothing, fail if a table is out of date")
    args = parser.parse_args(arguments)
    readme = TOP_FOLDER / "README.md"
    text = readme.read_text(encoding="utf-8")
    filled = fill(text)
    if args.check and filled != text:
        print("README.md is out of date. Run python -m benchmarks.readme.", file=sys.stderr)
        return 1
    if filled != text:
        readme.write_text(filled, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
