"""Tests of jaxdigits.serve.guard: made-up applications stand behind it."""

import asyncio
import json

import pytest

from jaxdigits.serve.guard import HEADERS, Guard
from jaxdigits.serve.limits import Limits

POST = ((b"content-length", b"8"),)


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def exchange(app, *messages, headers=(), kind="http", closing=False, limits=None):
    """Send one request through a guard; return what it sent, and how many messages it left."""
    waiting = list(messages)
    sent = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    guard = Guard(app, limits or Limits())
    guard.closing = closing
    asyncio.run(guard({"type": kind, "headers": list(headers)}, receive, send))
    return sent, len(waiting)


def answering(*, reads):
    async def app(_scope, receive, send):
        more = reads
        while more:
            more = (await receive())["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"answer"})

    return app


def body_of(sent):
    return b"".join(message.get("body", b"") for message in sent)


def test_every_answer_carries_the_headers_and_its_time():
    sent, _ = exchange(answering(reads=False))
    headers = sent[0]["headers"]
    assert set(HEADERS) | {(b"a", b"b")} <= set(headers)
    assert dict(headers)[b"server-timing"].startswith(b"total;dur=")
    assert b"connection" not in dict(headers)
    assert body_of(sent) == b"answer"


def test_the_policy_lets_nothing_in_from_another_host():
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(("reads", "closes"), [(True, False), (False, True)])
def test_a_connection_whose_body_was_not_read_is_the_last_of_its_kind(reads, closes):
    sent, left = exchange(answering(reads=reads), part(b"1234", more=True), part(b"5678"), headers=POST)
    assert ((b"connection", b"close") in sent[0]["headers"]) == closes
    assert left == 0  # what was not read is let in all the same, so that the answer arrives
    assert body_of(sent) == b"answer"
    assert not sent[-1].get("more_body", False)


def test_no_more_of_an_unread_body_is_let_in_than_four_times_the_limit():
    parts = [part(b"x" * 10, more=True)] * 100
    _, left = exchange(answering(reads=False), *parts, headers=POST, limits=Limits(body_bytes=50))
    assert left == 80


@pytest.mark.parametrize(("expected", "n_left"), [(b"100-Continue", 1), (b"7", 0), (b"", 0)])
def test_a_client_that_waits_to_be_asked_for_its_body_is_not_waited_for(expected, n_left):
    _, left = exchange(answering(reads=False), part(b"12345678"), headers=(*POST, (b"expect", expected)))
    assert left == n_left


def test_a_client_that_sends_its_body_unasked_gets_a_moment_for_it():
    turns = []

    async def receive():
        return turns.append("asked for the body")

    async def send(message):
        turns.append("end" if not message.get("more_body", True) else "part of the answer")

    async def client():
        scope = {"type": "http", "headers": [*POST, (b"expect", b"100-continue")]}
        answered = asyncio.create_task(Guard(answering(reads=False), Limits())(scope, receive, send))
        while "part of the answer" not in turns[1:]:
            await asyncio.sleep(0)
        for _ in range(1000):  # what comes in meanwhile is dealt with, and the connection is still open
            await asyncio.sleep(0)
        turns.append("the body has arrived")
        await answered

    asyncio.run(client())
    assert turns[-2:] == ["the body has arrived", "end"]
    assert "asked for the body" not in turns


def test_a_server_that_stops_closes_its_connections():
    sent, _ = exchange(answering(reads=False), closing=True)
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_mistake_of_ours_is_answered_without_a_word_of_it(capsys):
    async def app(*_):
        raise RuntimeError("secret of the upload")

    sent, _ = exchange(app)
    assert sent[0]["status"] == 500
    assert set(HEADERS) <= set(sent[0]["headers"])
    told = json.loads(body_of(sent))
    assert told["status"] == 500
    assert "mistake" in told["error"]
    log = capsys.readouterr().err
    assert "RuntimeError" in log
    assert "secret" not in log + str(sent)


def test_what_breaks_after_the_start_of_an_answer_adds_nothing_to_it(capsys):
    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        raise RuntimeError

    sent, _ = exchange(app)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "internal error" in capsys.readouterr().err


def test_a_websocket_is_closed_and_a_lifespan_handed_on():
    seen = []

    async def app(scope, *_):
        seen.append(scope["type"])

    sent, _ = exchange(app, kind="websocket")
    assert (sent, seen) == ([{"type": "websocket.close", "code": 1008}], [])
    exchange(app, kind="lifespan")
    assert seen == ["lifespan"]
