"""The client that loads a server, against a server of a few lines."""

import asyncio
import base64

from benchmarks.serve_client import load


def ask(handle, **options):
    """Run the client against a server on this machine; return what it found and what the server was sent."""
    sent = []

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            sent.append((head, await reader.readexactly(length)))
            if not await handle(writer, len(sent)):
                break
        writer.close()

    async def run():
        server = await asyncio.start_server(_quiet(serve), "127.0.0.1", 0)
        task = {"port": server.sockets[0].getsockname()[1], "path": "/there", "kind": "image/png", "warm_up": 0.0}
        task["bodies"] = [base64.b64encode(body).decode() for body in (b"one", b"three")]
        async with server:
            return await asyncio.wait_for(load(task | options), 30)

    return asyncio.run(run()), sent


def _quiet(serve):
    async def wrapped(reader, writer):
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return wrapped


async def well(writer, _):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12")
    await writer.drain()
    await asyncio.sleep(0)
    writer.write(b"345")
    return True


def test_a_count_of_requests_is_sent_and_answered():
    found, sent = ask(well, connections=2, seconds=20.0, count=30)
    assert found["statuses"] == {200: len(sent)}
    assert 30 <= len(sent) <= 31  # each connection ends at an answer
    assert found["broken"] == 0
    assert len(found["latencies"]) == len(sent)
    assert found["latencies"] == sorted(found["latencies"])
    assert {body for _, body in sent} == {b"one", b"three"}
    assert sent[0][0].startswith(b"POST /there HTTP/1.1\r\n")
    assert b"content-type: image/png\r\n" in sent[0][0]


def test_it_stops_when_the_time_is_up():
    found, sent = ask(well, connections=3, seconds=0.2)
    assert found["broken"] == 0
    assert len(sent) >= 3
    assert 0 < found["seconds"] <= 0.2


def test_refusals_and_broken_connections_are_counted():
    async def badly(writer, number):
        if number == 1:
            writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
        return number == 1

    found, _ = ask(badly, connections=1, seconds=20.0)
    assert found["statuses"] == {503: 1}
    assert found["broken"] == 1


def test_a_server_that_closes_after_each_answer_is_asked_on_a_new_connection():
    async def closing(writer, _):
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n12")
        return False

    found, sent = ask(closing, connections=2, seconds=20.0, count=20)
    assert found["statuses"] == {200: len(sent)}
    assert 20 <= len(sent) <= 21
    assert found["broken"] == 0


def test_a_server_that_is_gone_is_a_broken_connection():
    async def run():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        task = {"port": port, "path": "/", "kind": "image/png", "bodies": [""], "connections": 2, "seconds": 1.0}
        return await asyncio.wait_for(load(task | {"warm_up": 0.0}), 10)

    found = asyncio.run(run())
    assert found["broken"] == 2
    assert found["latencies"] == []
