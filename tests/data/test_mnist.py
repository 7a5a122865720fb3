"""MNIST's files and their download, from a server of our own that misbehaves on demand."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from jaxdigits.data.mnist import FILES, fetch_mnist, find_mnist, read_mnist
from jaxdigits.errors import DatasetError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
CONTENTS = {
    NAMES[0]: bytes([0, 0, 8, 3]) + struct.pack(">3I", *IMAGES.shape) + IMAGES.tobytes(),
    NAMES[1]: bytes([0, 0, 8, 1]) + struct.pack(">I", 20) + bytes(range(20)),
}
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}


class Handler(BaseHTTPRequestHandler):
    """Answers as the first part of the address says: /stall/NAME.gz stalls."""

    def do_GET(self) -> None:
        manner, name = self.path.strip("/").split("/")
        self.server.requests.append((manner, name))
        getattr(self, f"answer_{manner}")(gzip.compress(CONTENTS[name.removesuffix(".gz")]))

    def start(self, length: int, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def answer_good(self, packed: bytes) -> None:
        self.start(len(packed))
        self.wfile.write(packed)

    def answer_unpacking(self, packed: bytes) -> None:
        self.start(len(packed), Content_Encoding="gzip")
        self.wfile.write(packed)

    def answer_truncating(self, packed: bytes) -> None:
        self.start(len(packed))
        self.wfile.write(packed[: len(packed) // 2])

    def answer_shortening(self, packed: bytes) -> None:
        self.answer_good(packed[: len(packed) // 2])

    def answer_corrupting(self, packed: bytes) -> None:
        content = bytearray(gzip.decompress(packed))
        content[-1] ^= 1
        self.answer_good(gzip.compress(bytes(content)))

    def answer_scrambling(self, packed: bytes) -> None:
        self.answer_good(packed[:100] + bytes(50) + packed[150:])

    def answer_welcoming(self, _: bytes) -> None:
        self.answer_good(b"<html>Sign in to the network</html>")

    def answer_failing(self, _: bytes) -> None:
        self.start(0, status=503)

    def answer_stall(self, packed: bytes) -> None:
        self.start(len(packed))
        self.wfile.write(packed[:10])
        self.server.over.wait()

    def answer_silent(self, _: bytes) -> None:
        self.server.over.wait()

    def answer_dripping(self, _: bytes) -> None:
        self.start(10**9)
        while not self.server.over.wait(0.02):
            self.wfile.write(bytes(2000))

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """Keeps a record of requests, and an event that sets stalled answers free."""

    # A client that gives up closes its connection; that is what is tested, no reason for a trace.
    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Run the server, and set stalled answers free in the end."""
    server = Server(("127.0.0.1", 0), Handler)
    server.requests = []
    server.over = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(server: Server, folder: Path, *manners: str, names: tuple[str, ...] = NAMES) -> None:
    """Fetch from one mirror after the other, each of its own manners."""
    files = {name: DIGESTS[name] for name in names}
    mirrors = [f"http://127.0.0.1:{server.server_port}/{manner}/" for manner in manners]
    fetch_mnist(folder, mirrors=mirrors, files=files, timeout=1.0, time_limit=2.0)


def assert_whole(folder: Path, names: tuple[str, ...] = NAMES) -> None:
    """Check that a folder holds the files as published, and nothing else."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found == {name: CONTENTS[name] for name in names}


MISBEHAVIOR = {
    "truncating": "ChunkedEncodingError|Compressed file ended",
    "shortening": "Compressed file ended",
    "corrupting": "with a wrong SHA-256",
    "scrambling": "invalid|CRC|wrong SHA-256",
    "welcoming": "with a wrong SHA-256",
    "failing": "HTTP status 503",
    "stall": "timed out",
    "silent": "timed out",
    "dripping": "not done after 2 s",
}


@pytest.mark.parametrize("manner", MISBEHAVIOR)
def test_next_mirror_is_asked_when_one_misbehaves(server: Server, tmp_path: Path, manner: str) -> None:
    fetch(server, tmp_path / "new" / "mnist", manner, "good", names=NAMES[:1])
    assert_whole(tmp_path / "new" / "mnist", NAMES[:1])
    assert server.requests == [(manner, f"{NAMES[0]}.gz"), ("good", f"{NAMES[0]}.gz")]


@pytest.mark.parametrize("manner", MISBEHAVIOR)
def test_no_mirror_leaves_no_file_and_one_line_of_reasons(server: Server, tmp_path: Path, manner: str) -> None:
    with pytest.raises(DatasetError, match=MISBEHAVIOR[manner]) as caught:
        fetch(server, tmp_path, manner)
    message = str(caught.value)
    assert message.startswith(f"{NAMES[0]}.gz could be downloaded from none of 1 mirrors (http://127.0.0.1")
    assert "JAXDIGITS_DATA" in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_unreachable_mirror_is_passed_over(server: Server, tmp_path: Path) -> None:
    good = f"http://127.0.0.1:{server.server_port}/good/"
    fetch_mnist(tmp_path, mirrors=["http://127.0.0.1:1/", "no-address", good], files=DIGESTS, timeout=1.0)
    assert_whole(tmp_path)


def test_archive_unpacked_on_the_way_is_taken(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, "unpacking")
    assert_whole(tmp_path)


def test_only_what_is_missing_or_broken_is_downloaded(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, "good")
    server.requests.clear()
    fetch(server, tmp_path, "good")
    assert server.requests == []
    (tmp_path / NAMES[1]).write_bytes(CONTENTS[NAMES[1]][:-1])
    fetch(server, tmp_path, "good")
    assert server.requests == [("good", f"{NAMES[1]}.gz")]
    assert_whole(tmp_path)


def test_folder_that_cannot_be_written_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match=f"{tmp_path / 'file' / NAMES[0]}: cannot be written"):
        fetch(server, tmp_path / "file", "good")


@pytest.mark.parametrize("packed", [False, True])
def test_files_are_read_plain_or_packed(tmp_path: Path, packed: bool) -> None:
    for name, content in CONTENTS.items():
        path = tmp_path / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    images, labels = read_mnist(tmp_path, files=DIGESTS)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, np.arange(20))


def test_other_data_under_the_same_names_is_refused(tmp_path: Path) -> None:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=r"expected ba891046e650\.\.\. of MNIST as published"):
        read_mnist(tmp_path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / NAMES[0]).write_bytes(CONTENTS[NAMES[0]])
    with pytest.raises(DatasetError, match=NAMES[1]):
        read_mnist(tmp_path, files=DIGESTS)


def test_find_looks_in_the_folder_and_in_its_subfolder(tmp_path: Path) -> None:
    assert find_mnist(tmp_path) is None
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    assert find_mnist(tmp_path) == tmp_path / "mnist"
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"")
    assert find_mnist(tmp_path) == tmp_path


def test_published_files_have_the_digests_of_the_table(mnist_folder: Path) -> None:
    shapes = [array.shape for array in read_mnist(mnist_folder)]
    assert shapes == [(60000, 28, 28), (10000, 28, 28), (60000,), (10000,)]
    assert len(FILES) == 4
