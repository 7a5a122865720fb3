"""Tests of jaxdigits.report.markup."""

from html.parser import HTMLParser

import pytest

from jaxdigits.report.markup import escape, percent, section, table

NASTY = """<i a="b" c='d'>&amp;"""


def parse(markup):
    """Return the tags of some markup, and its texts."""
    tags, texts = [], []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.handle_data = texts.append
    parser.feed(markup)
    parser.close()
    return tags, texts


@pytest.mark.parametrize("place", ["<p>{}</p>", '<p title="{}">', "<p title='{}'>"])
def test_nothing_escapes_from_where_it_is_put(place):
    tags, texts = parse(place.format(escape(NASTY)))
    assert [tag for tag, _ in tags] == ["p"]
    assert NASTY in ("".join(texts), tags[0][1].get("title"))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.999999, "99.99 %"),
        (0.99994, "99.99 %"),
        (0.5, "50.00 %"),
        (0.0, "0.00 %"),
        (None, "-"),
    ],
)
def test_a_share_is_rounded_but_not_to_all(share, text):
    assert percent(share) == text


def test_cells_are_escaped_unless_they_are_markup():
    assert [tag for tag, _ in parse(table([[NASTY, NASTY]], header=("a", "b")))[0]].count("i") == 0
    assert [tag for tag, _ in parse(table([[NASTY, "<i>x</i>"]], markup=True))[0]].count("i") == 1


def test_rows_and_columns_have_headers_that_say_so():
    tags, texts = parse(table([["four", 1], ["nine", 2]], header=("class", "samples")))
    assert [attributes["scope"] for tag, attributes in tags if tag == "th"] == ["col", "col", "row", "row"]
    assert texts == ["class", "samples", "four", "1", "nine", "2"]


def test_a_section_has_a_name_only_if_it_was_given_one():
    assert parse(section("Time", "x"))[0][0] == ("section", {})
    assert parse(section("Time", "x", name="time"))[0][0] == ("section", {"id": "time"})
