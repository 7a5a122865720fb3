"""Folds the solutions in the examples' notebooks: sphinx-gallery leaves the directive that folds them as plain text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DIRECTIVE = ".. dropdown:: Solution"
INDENT = "   "


def fold(text: str) -> str:
    """Put every solution of a Markdown cell between tags that a notebook shows folded.

    Parameters
    ----------
    text : str
        Of the cell, as sphinx-gallery makes it of the example: its code is fenced already, its words are indented.

    Returns
    -------
    str
    """
    lines: list[str] = []
    inside = fenced = False
    for line in text.splitlines():
        if inside and not fenced and line and not line.startswith((INDENT, "```")):
            lines += ["</details>", ""]
            inside = False
        if line == DIRECTIVE:
            lines.append("<details><summary>Solution</summary>")
            inside = True
            continue
        if inside and line.startswith("```"):
            fenced = not fenced
            lines += [line] if fenced else [line, ""]
            continue
        lines.append(line.removeprefix(INDENT) if inside and not fenced else line)
    return "\n".join([*lines, "</details>"] if inside else lines)


def fold_notebooks(folder: Path) -> None:
    """Fold the solutions of all notebooks of a folder.

    Parameters
    ----------
    folder : Path
        Where sphinx-gallery writes them.
    """
    for path in sorted(folder.glob("*.ipynb")):
        written = path.read_text(encoding="utf-8")
        notebook = json.loads(written)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = [fold("".join(cell["source"]))]
        changed = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        if changed != written:
            path.write_text(changed, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Fold after sphinx-gallery has written them (its own priority is 500), before they are copied for download."""
    app.connect("builder-inited", lambda app: fold_notebooks(Path(app.srcdir) / "auto_examples"), priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
