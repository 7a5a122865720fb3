"""The files of the page, held in memory: nothing that is asked for is ever looked up on disk."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import NamedTuple

__all__ = ["PAGES", "Asset", "load_assets"]

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

PAGES = {"/": "index.html", "/model": "model.html", "/favicon.ico": "icon.svg"}
"""Paths that have names of their own; the other files are found under /static/."""


class Asset(NamedTuple):
    """One file."""

    content: bytes
    media_type: str
    tag: str
    """By which a browser asks whether it has changed."""


def load_assets() -> dict[str, Asset]:
    """Read every file of the page.

    Returns
    -------
    dict of str to Asset
        By path.

    Examples
    --------
    >>> from jaxdigits.serve.assets import load_assets
    >>> load_assets()["/"].media_type
    'text/html; charset=utf-8'
    """
    files: dict[str, Asset] = {}
    for file in resources.files("jaxdigits.serve").joinpath("static").iterdir():
        ending = file.name.rpartition(".")[2]
        if ending in TYPES:
            content = file.read_bytes()
            files[file.name] = Asset(content, TYPES[ending], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
    named = {path: files[name] for path, name in PAGES.items()}
    return {**named, **{f"/static/{name}": asset for name, asset in files.items() if not name.endswith(".html")}}
