"""Malformed and hostile requests from a seeded fuzzer, properties from the OpenAPI document, and the end under load."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from benchmarks.fuzz import attack
from tests.serve.conftest import Client

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
OPTIONS = ("--checks", ",".join(CHECKS), "--max-examples", "40", "--seed", "1", "--no-color")
TOP = Path(__file__).parents[2]


@pytest.fixture
def process():
    """Run `jaxdigits serve` as a user does, and return the process and its port."""
    started = subprocess.Popen(
        [sys.executable, "-m", "jaxdigits", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=TOP,
    )
    try:
        line = started.stdout.readline()
        assert line.startswith("Reading digits at http://127.0.0.1:"), started.stderr.read()
        yield started, int(line.partition("127.0.0.1:")[2].split()[0])
    finally:
        started.kill()
        started.communicate()


def check(found):
    assert found["problems"] == []
    assert found["good"] > 0
    # "none" is a client that hung up within its request
    assert set(found["statuses"]) <= {"200", "400", "404", "405", "408", "413", "415", "431", "none"}
    assert sum(found["statuses"].values()) >= found["requests"]


def test_hundreds_of_hostile_requests_are_refused_in_the_form_of_all_errors(client):
    check(attack(client.port, 300, seed=1))


@pytest.mark.slow
def test_thousands_of_hostile_requests_leave_nothing_behind(process):
    started, port = process
    check(attack(port, 500, seed=2))

    def memory():
        status = Path(f"/proc/{started.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    if not Path("/proc").is_dir():
        pytest.skip("needs /proc to measure memory")
    before = memory()
    check(attack(port, 3000, seed=3))
    assert memory() < 1.15 * before
    started.send_signal(signal.SIGTERM)
    _, complaints = started.communicate(timeout=60)
    assert (started.returncode, complaints) == (0, "")


@pytest.mark.slow
def test_the_openapi_document_holds_whatever_is_sent(process, tmp_path):
    pytest.importorskip("schemathesis", reason="needs schemathesis: pip install '.[browser]'")
    _, port = process
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json", *OPTIONS],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


class Loader(threading.Thread):
    """Sends requests, each on a connection of its own, until nobody listens any more."""

    def __init__(self, port, body):
        super().__init__()
        self.client, self.body = Client(port), body
        self.answered, self.lost = 0, []

    def run(self):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.client.port), timeout=30):
                    pass
                answer = self.client.post("/api/v1/predict", self.body)
            except ConnectionRefusedError:
                return
            except OSError as error:
                self.lost.append(repr(error))
                return
            if answer.status != 200 or json.loads(answer.body)["results"][0]["digit"] != 7:
                self.lost.append(answer.body)
            self.answered += 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGTERM")
def test_sigterm_under_load_loses_no_accepted_request(process, seven):
    started, port = process
    loaders = [Loader(port, seven) for _ in range(8)]
    for loader in loaders:
        loader.start()
    until = time.monotonic() + 60
    while sum(loader.answered for loader in loaders) < 40 and time.monotonic() < until:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    for loader in loaders:
        loader.join(60)
    _, complaints = started.communicate(timeout=60)
    assert (started.returncode, complaints) == (0, "")
    assert sum(loader.answered for loader in loaders) > 8
    assert [each for loader in loaders for each in loader.lost] == []
