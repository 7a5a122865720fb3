"""Tests of jaxdigits.serve.assets, and of what the files of the page may hold."""

import re
from importlib import resources

import pytest

from jaxdigits.serve.assets import PAGES, load_assets

STATIC = resources.files("jaxdigits.serve").joinpath("static")
FILES = sorted(file.name for file in STATIC.iterdir())


def test_every_file_is_served_under_one_address():
    assets = load_assets()
    assert set(PAGES) <= set(assets)
    assert {f"/static/{name}" for name in FILES if not name.endswith(".html")} == set(assets) - set(PAGES)


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_another_host(name):
    text = STATIC.joinpath(name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, never fetched


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".html")])
def test_pages_hold_neither_scripts_nor_styles_of_their_own(name):
    text = STATIC.joinpath(name).read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    for path in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", text):
        assert path in load_assets()


def test_scripts_never_write_markup():
    for name in FILES:
        if name.endswith(".js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", STATIC.joinpath(name).read_text()
            )


def test_the_stylesheet_stays_small():
    assert len(STATIC.joinpath("style.css").read_text(encoding="utf-8").splitlines()) <= 250
