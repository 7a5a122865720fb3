"""A server on a free port of this machine, and what is sent to it."""

import http.client
import io
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jaxdigits.recognize import load_pretrained
from jaxdigits.serve.app import make_app
from jaxdigits.serve.server import bind, make_server

SEVEN = ((8, 7), (20, 7), (12, 23))
BOUNDARY = "a-boundary"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Talks to a server, each request on a connection of its own."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body, kind="image/png"):
        return self.ask("POST", path, body, {"content-type": kind} if kind else {})

    def send_files(self, path, *contents, kind="image/png", field="file"):
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{place}.png"\r\n'
            f"Content-Type: {kind}\r\n\r\n".encode()
            + content
            + b"\r\n"
            for place, content in enumerate(contents)
        ]
        body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
        return self.post(path, body, f"multipart/form-data; boundary={BOUNDARY}")


@contextmanager
def running(limits=None, app=None):
    """Run a server in a thread."""
    started = threading.Event()
    with bind("127.0.0.1", 0) as opened:
        app = app or make_app(load_pretrained("small"), name="small", limits=limits)
        server = make_server(app, opened, on_start=started.set)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert started.wait(60)
            client = Client(opened.getsockname()[1])
            client.server = server
            yield client
        finally:
            server.should_exit = True
            thread.join(60)
    assert not thread.is_alive()


@pytest.fixture(scope="package")
def client():
    """Return a client of a server with the limits that it has by default."""
    with running() as client:
        yield client


def draw_seven(scale=8, ink=0, paper=255):
    picture = Image.new("L", (28 * scale, 28 * scale), paper)
    points = [(scale * x, scale * y) for x, y in SEVEN]
    ImageDraw.Draw(picture).line(points, fill=ink, width=2 * scale, joint="curve")
    return picture


def to_bytes(picture, form="PNG", **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def seven():
    """Return a drawn 7 as a PNG."""
    return to_bytes(draw_seven())


@pytest.fixture(scope="session")
def page():
    """Return a page of two lines of sevens as a PNG."""
    one = np.asarray(draw_seven(4))
    return to_bytes(Image.fromarray(np.vstack([np.hstack([one] * 4)] * 2)))
