"""Hostile requests, against servers of a few lines that take them well or badly."""

import random
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

from benchmarks.fuzz import EVERY, attack, draw_seven, main

REFUSAL = b'{"status":400,"error":"No."}'
GOOD = draw_seven("PNG", random.Random(0))
WELL = b"HTTP/1.1 200 OK\r\n\r\n{}"


def refusal(body=REFUSAL, status=b"400 Bad Request"):
    return b"HTTP/1.1 " + status + b"\r\n\r\n" + body


@pytest.fixture
def serve():
    """Return what starts a server that answers a good request well and any other with the given bytes."""
    servers = []

    def start(answer, good=WELL):
        received = []

        class Handler(BaseRequestHandler):
            def handle(self):
                content = b""
                try:
                    while chunk := self.request.recv(65536):
                        content += chunk
                    received.append(content)
                    is_good = GOOD in content and b"image/png" in content
                    self.request.sendall(good if is_good else answer)
                except OSError:
                    pass

        server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1], received

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_refusals_in_the_documented_form_are_no_problem(serve):
    port, received = serve(refusal())
    found = attack(port, 60)
    assert found["problems"] == []
    assert found["good"] == -(-60 // EVERY)
    assert sum(found["statuses"].values()) == found["requests"] == 60
    assert len(received) == 60 + found["good"]


def test_a_seed_sends_the_same_again(serve):
    sent = []
    for seed in (1, 1, 2):
        port, received = serve(refusal())
        attack(port, 30, seed=seed)
        sent.append(sorted(received))
    assert sent[0] == sent[1] != sent[2]


@pytest.mark.parametrize(
    "answer",
    [
        refusal(status=b"500 Oops"),
        refusal(b"<html>"),
        refusal(b'{"detail":"No."}'),
        refusal(b'{"status":404,"error":"No."}'),
        refusal(b'{"status":400,"error":"No.\\nReally."}'),
        b"",
    ],
    ids=["status", "no JSON", "other names", "other status", "two lines", "silence"],
)
def test_answers_of_another_form_are_problems(serve, answer):
    port, _ = serve(answer)
    found = attack(port, 20)
    assert len(found["problems"]) > 10
    assert all(problem.startswith("seed 0, ") for problem in found["problems"])


def test_a_good_request_that_is_refused_is_a_problem(serve):
    port, _ = serve(refusal(), good=refusal())
    found = attack(port, EVERY + 1)
    assert (found["good"], len(found["problems"])) == (0, 2)


def test_the_command_fails_where_there_are_problems(serve, capsys):
    port, _ = serve(refusal())
    assert main([str(port), "--requests", "5"]) == 0
    port, _ = serve(refusal(status=b"500 Oops"))
    assert main([str(port), "--requests", "5"]) == 1
    assert '"problems"' in capsys.readouterr().out
