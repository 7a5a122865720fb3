"""Directives that take what they show from somewhere else, so that no figure is typed by hand.

``.. results:: published`` shows ``benchmarks/results/published.md``, without its title, or says that it is not measured
yet; ``.. command:: train`` shows what ``jaxdigits train --help`` writes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.utils import new_document
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
TITLE = re.compile(r"\A# .*\n+")
PICTURE = re.compile(r"(!\[[^\]]*\]\()(?!/)")


class Results(Directive):
    """A committed page of results."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"measured-by": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Parse the page, if there is one."""
        path = RESULTS / f"{self.arguments[0]}.md"
        env = self.state.document.settings.env
        env.note_dependency(str(path))
        if not path.exists():
            command = self.options.get("measured-by")
            parts: list[nodes.Node] = [nodes.Text("Not measured yet")]
            if command:
                parts += [nodes.Text(": "), nodes.literal(command, command), nodes.Text(" measures it")]
            return [nodes.paragraph("", "", nodes.emphasis("", "", *parts[:1]), *parts[1:], nodes.Text("."))]
        text = TITLE.sub("", path.read_text(encoding="utf-8"))
        document = new_document(str(path), self.state.document.settings)
        MystParser().parse(PICTURE.sub(r"\1/../benchmarks/results/", text), document)
        for table in list(document.findall(nodes.table)):
            _give_scroll(table)
        return list(document.children)


def _give_scroll(table: nodes.table) -> None:
    """Give a table a frame of its own to scroll in: phones are narrower than tables."""
    frame = nodes.container(classes=["wide"])
    table.parent.replace(table, frame)
    frame += table


class Command(Directive):
    """The help of one command."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Ask the parser of the command line."""
        from jaxdigits.cli import make_parser

        os.environ["COLUMNS"] = "88"
        os.environ["NO_COLOR"] = "1"
        parser = make_parser([self.arguments[0]])
        choices = next(action.choices for action in parser._actions if isinstance(action.choices, dict))
        text = choices[self.arguments[0]].format_help()
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("results", Results)
    app.add_directive("command", Command)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
