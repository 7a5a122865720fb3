"""Tests of jaxdigits.serve.bodies."""

import asyncio

import pytest

from jaxdigits.serve.bodies import Held, media_type, parse_uploads, read_body
from jaxdigits.serve.limits import Limits
from jaxdigits.serve.refusals import Refusal


def receiver(*messages, pause=0.0):
    """Return what receives these messages, and a list of those that were taken."""
    taken = []
    waiting = iter(messages)

    async def receive():
        await asyncio.sleep(pause)
        message = next(waiting)
        taken.append(message)
        return message

    return receive, taken


def part(body, *, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def read(receive, headers=None, *, most=10, held=None, limits=None):
    async def run():
        with (held or Held(1000)).share() as add:
            return await read_body(receive, headers or {}, most=most, limits=limits or Limits(), add=add)

    return asyncio.run(run())


def test_parts_are_joined():
    receive, _ = receiver(part(b"12"), part(b""), part(b"34", more=False))
    assert read(receive) == b"1234"


def test_a_length_over_the_limit_is_refused_unread():
    receive, taken = receiver(part(b"1"))
    with pytest.raises(Refusal) as caught:
        read(receive, {b"content-length": b"11"})
    assert (caught.value.status, taken) == (413, [])


def test_reading_stops_at_the_limit():
    receive, taken = receiver(*[part(b"1234")] * 9)
    with pytest.raises(Refusal) as caught:
        read(receive, {b"content-length": b"not a number"})
    assert (caught.value.status, len(taken)) == (413, 3)


def test_a_slow_body_is_given_up():
    receive, _ = receiver(*[part(b"")] * 1000, pause=0.001)
    with pytest.raises(Refusal) as caught:  # empty parts buy no time
        read(receive, limits=Limits(idle_seconds=0.05))
    assert caught.value.status == 408
    receive, _ = receiver(*[part(b"1")] * 1000, pause=0.01)
    with pytest.raises(Refusal) as caught:
        read(receive, most=1000, limits=Limits(body_seconds=0.05))
    assert caught.value.status == 408


def test_a_client_that_left_is_not_waited_for():
    receive, _ = receiver(part(b"1"), {"type": "http.disconnect"})
    with pytest.raises(Refusal, match="broke off"):
        read(receive)


def test_held_bytes_are_counted_and_given_back():
    held = Held(7)
    receive, _ = receiver(part(b"1234"), part(b"5678"))
    with pytest.raises(Refusal) as caught:
        read(receive, held=held)
    assert (caught.value.status, held.n_bytes) == (503, 0)
    assert caught.value.retry_after


def form(*heads, content=b"x"):
    parts = [b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head in heads]
    return b"".join(parts) + b"--b--\r\n"


FILE = b'Content-Disposition: form-data; name="file"; filename="a.png"'


def parse(body, *, limits=None, boundary=b"b"):
    return parse_uploads(body, "multipart/form-data", {b"boundary": boundary}, limits=limits or Limits())


def test_files_of_a_form_keep_their_names_and_every_byte():
    content = bytes(range(256)) + b"\r\n--\r\n--bb\r\n"
    uploads = parse(form(FILE, b'content-disposition: form-data; name="file"', content=content))
    assert [(upload.name, upload.content) for upload in uploads] == [("a.png", content), (None, content)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "breaks off|broken"),
        (b"--b--\r\n", "no file|broken|breaks off"),
        (form(FILE)[:-6], "breaks off"),
        (form(b"no header"), "broken|named ''"),
        (form(b"X: y"), "named ''"),
        (form(FILE, content=b""), "File 1 is empty"),
        (form(FILE) * 2, "."),
    ],
)
def test_a_broken_form_is_refused(body, words):
    if body.count(b"--b--") == 2:
        assert len(parse(body)) == 1  # what follows a form is no part of it
        return
    with pytest.raises(Refusal, match=words) as caught:
        parse(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("boundary", [b"", b"b" * 71])
def test_a_form_needs_a_boundary_of_a_lawful_length(boundary):
    with pytest.raises(Refusal, match="broken"):
        parse(form(FILE), boundary=boundary)


def test_too_many_files_are_refused_before_the_rest_is_parsed():
    with pytest.raises(Refusal, match="at most 2"):
        parse(form(FILE, FILE, FILE), limits=Limits(n_files=2))


def test_long_names_are_cut():
    head = b'Content-Disposition: form-data; name="file"; filename="' + b"n" * 500 + b'"'
    assert len(parse(form(head))[0].name) == 100


def test_types_are_read_whatever_their_letters():
    assert media_type({}) == ("", {})
    assert media_type({b"content-type": b"MULTIPART/Form-Data; boundary=aB"}) == (
        "multipart/form-data",
        {b"boundary": b"aB"},
    )


def test_faint_pixels_keep_their_meaning():
    low = parse_uploads(str([16] + [0] * 783).encode(), "application/json", {}, limits=Limits())[0].content
    assert low.max() == pytest.approx(16 / 255)
    high = parse_uploads(str([17] + [0] * 783).encode(), "application/json", {}, limits=Limits())[0].content
    assert (high.dtype, high.max()) == ("uint8", 17)
    share = parse_uploads(str([0.5] + [0] * 783).encode(), "application/json", {}, limits=Limits())[0].content
    assert share.max() == pytest.approx(0.5)
