"""Tests of jaxdigits.serve.server: slow and odd clients, and the end."""

import json
import socket
import threading
import time

import pytest

from jaxdigits.errors import InputError
from jaxdigits.serve.limits import Limits
from jaxdigits.serve.server import HEAD_BYTES, bind, is_loopback
from tests.serve.conftest import running

QUICK = Limits(header_seconds=0.6, idle_seconds=0.6, body_seconds=1.2)


def talk(port, *pieces, pause=0.0):
    """Send raw bytes and return all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for piece in pieces:
            try:
                client.sendall(piece)
            except OSError:
                break  # the server has closed
            time.sleep(pause)
        received = b""
        while True:
            try:
                chunk = client.recv(65536)
            except OSError:
                chunk = b""
            if not chunk:
                return received
            received += chunk


def check(received, status):
    head, _, body = received.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status, received
    assert json.loads(body)["status"] == status
    assert b"content-security-policy: default-src 'none'" in head


@pytest.fixture(scope="module")
def quick():
    with running(QUICK) as client:
        yield client


def test_who_says_nothing_is_sent_away(quick):
    check(talk(quick.port), 408)


def test_who_sends_headers_byte_by_byte_is_sent_away(quick):
    check(talk(quick.port, b"GET / HTTP/1.1\r\n", *[b"x-a: b\r\n"] * 40, pause=0.1), 408)


def test_who_sends_a_body_byte_by_byte_is_sent_away(quick):
    head = b"POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: 99\r\n\r\n"
    check(talk(quick.port, head), 408)
    check(talk(quick.port, head, *[b"x"] * 40, pause=0.1), 408)


def test_the_server_answers_others_meanwhile(quick, seven):
    idle = [socket.create_connection(("127.0.0.1", quick.port)) for _ in range(30)]
    try:
        assert quick.post("/api/v1/predict", seven).status == 200
    finally:
        for each in idle:
            each.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_the_form_of_all_errors(quick, request_):
    check(talk(quick.port, request_), 400)


def test_endless_headers_are_refused(quick):
    check(talk(quick.port, b"GET / HTTP/1.1\r\nx: ", *[b"y" * 2**14] * (HEAD_BYTES // 2**14 + 2)), 431)


def test_too_many_connections_are_refused():
    with running(Limits(n_connections=2)) as client:
        open_ones = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(2)]
        try:
            time.sleep(0.2)
            received = talk(client.port)
            check(received, 503)
            assert b"retry-after: " in received
        finally:
            for each in open_ones:
                each.close()


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_a_body_that_comes_late_does_not_take_the_answer_away(quick, method):
    head = f"{method} /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 30\r\n\r\n".encode()
    check(talk(quick.port, head, b"x" * 10, b"x" * 10, b"x" * 10, pause=0.02), 404)


def test_nobody_hears_of_what_follows_a_request_that_is_answered_as_broken(quick, seven, capsys):
    head = b"POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: %d\r\n\r\n"
    for _ in range(5):
        received = talk(quick.port, head % len(seven) + seven + b"\x00 no request \r\n\r\n")
        assert received.startswith(b"HTTP/1.1 ")
    assert capsys.readouterr().err == ""


def test_a_websocket_is_refused(quick):
    request = (
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert not talk(quick.port, request).startswith(b"HTTP/1.1 101")


def test_an_accepted_request_is_answered_after_the_signal_to_stop(seven):
    with running() as client:
        head = b"POST /api/v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\ncontent-length: %d\r\n\r\n"
        with socket.create_connection(("127.0.0.1", client.port), timeout=30) as half:
            half.sendall(head % len(seven) + seven[:50])
            time.sleep(0.3)
            client.server.should_exit = True
            time.sleep(0.2)
            half.sendall(seven[50:])
            received = b""
            while chunk := half.recv(65536):
                received += chunk
    assert received.startswith(b"HTTP/1.1 200")
    assert b'"digit":7' in received
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", client.port), timeout=5)


def count_lanes():
    return sum(thread.name == "jaxdigits-lane" for thread in threading.enumerate())


def test_the_end_ends_every_thread_of_the_server(seven):
    before = count_lanes()
    with running() as client:
        client.post("/api/v1/predict", seven)
        assert count_lanes() > before
    for _ in range(200):
        if count_lanes() <= before:
            break
        time.sleep(0.05)
    assert count_lanes() <= before


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("127.0.0.1", 70_000, "port must be an int from 0 to 65535, got 70000"),
        ("no.such.host.invalid", 8000, "host must be a name or an address of this machine"),
        ("192.0.2.1", 8000, "port 8000 of 192.0.2.1 can't be had"),
    ],
)
def test_an_address_that_can_not_be_had_is_one_line(host, port, words):
    with pytest.raises(InputError, match=words) as caught:
        bind(host, port)
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_said_to_be():
    with bind("127.0.0.1", 0) as opened, pytest.raises(InputError, match="in use"):
        bind("127.0.0.1", opened.getsockname()[1])


def test_only_loopback_counts_as_this_machine():
    with bind("localhost", 0) as opened:
        assert is_loopback(opened)
    with bind("0.0.0.0", 0) as opened:
        assert not is_loopback(opened)
