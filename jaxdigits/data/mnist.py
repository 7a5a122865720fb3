"""MNIST: where it is looked for, and how it is downloaded."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from jaxdigits.data.idx import parse_idx, read_bytes
from jaxdigits.errors import DatasetError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["FILES", "MIRRORS", "fetch_mnist", "find_mnist", "read_mnist"]

FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""File -> SHA-256 of its unpacked contents: archives of one content differ by who packed them."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
"""Addresses that the four files, packed with gzip, are downloaded from: the first that serves a file well."""

MAX_BYTES = 1 << 26
"""No file, packed or not, is larger: what a server sends beyond that is not MNIST."""


def find_mnist(folder: Path) -> Path | None:
    """Look for MNIST in a folder and in its subfolder ``mnist``.

    Parameters
    ----------
    folder : Path
        Where to look.

    Returns
    -------
    Path or None
        The folder that holds at least one of the four files, plain or packed.
    """
    for place in (folder, folder / "mnist"):
        if any((place / (name + suffix)).is_file() for name in FILES for suffix in ("", ".gz")):
            return place
    return None


def read_mnist(folder: Path, *, files: Mapping[str, str] = FILES) -> list[NDArray[Any]]:
    """Read MNIST from a folder.

    Parameters
    ----------
    folder : Path
        Folder with the four files, plain or packed as ``.gz``.
    files : mapping of str to str, default=FILES
        File -> SHA-256 of its unpacked contents.

    Returns
    -------
    list of ndarray
        One uint8 array a file, in the order of `files`.

    Raises
    ------
    DatasetError
        If a file is missing, broken, or not what was published.
    """
    return [_read_file(folder, name, digest) for name, digest in files.items()]


def fetch_mnist(
    folder: Path,
    *,
    mirrors: Sequence[str] = MIRRORS,
    files: Mapping[str, str] = FILES,
    timeout: float = 10.0,
    time_limit: float = 300.0,
) -> None:
    """Download the files that a folder lacks.

    Each is asked for from one mirror after the other until the unpacked contents have the right SHA-256. It
    is written beside its place and then moved there, so that a file is there whole or not at all.

    Parameters
    ----------
    folder : Path
        Where the unpacked files go; made if need be.
    mirrors : sequence of str, default=MIRRORS
        Addresses of folders, each ending in a slash.
    files : mapping of str to str, default=FILES
        File -> SHA-256 of its unpacked contents.
    timeout : float, default=10.0
        Seconds that a server may keep silent before the next mirror is tried.
    time_limit : float, default=300.0
        Seconds that one download may take before the next mirror is tried.

    Raises
    ------
    DatasetError
        If a file could be had from no mirror, or the folder cannot be written.
    """
    for name, digest in files.items():
        try:
            _read_file(folder, name, digest)
        except DatasetError:
            content = _download(name, digest, mirrors, (timeout, time_limit))
            _write_atomically(folder / name, content)


def _read_file(folder: Path, name: str, digest: str) -> NDArray[Any]:
    path = folder / name
    if not path.is_file():
        path = folder / (name + ".gz")
    content = read_bytes(path)
    array = parse_idx(content, path, n_dimensions=3 if "images" in name else 1)
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise DatasetError(
            f"{path}: unpacked contents have SHA-256 {found[:12]}..., expected {digest[:12]}... of MNIST as "
            "published. Read other data with read_dataset, or remove the file to have MNIST downloaded."
        )
    return array


def _download(name: str, digest: str, mirrors: Sequence[str], limits: tuple[float, float]) -> bytes:
    """Return the unpacked contents from the first mirror that has them."""
    import pooch

    timeout, time_limit = limits
    failures = []
    for mirror in mirrors:
        url = f"{mirror}{name}.gz"
        pooch.get_logger().info("Downloading %s", url)
        target = _BoundedBuffer(time_limit)
        try:
            pooch.HTTPDownloader(timeout=timeout)(url, target, None)
            content = _unpack(target.getvalue())
        # OSError is the base of requests' own exceptions and of gzip's.
        except (OSError, EOFError, zlib.error) as error:
            failures.append(f"{mirror}: {_shorten(error)}")
            continue
        if hashlib.sha256(content).hexdigest() == digest:
            return content
        failures.append(f"{mirror}: contents of {len(content)} bytes with a wrong SHA-256")
    raise DatasetError(
        f"{name}.gz could be downloaded from none of {len(mirrors)} mirrors ({'; '.join(failures)}). Try "
        f"again later, or put {', '.join(FILES)} into a folder and name it by folder= or by JAXDIGITS_DATA."
    )


def _shorten(error: Exception) -> str:
    """Say in a few words what a download failed of: the messages of requests fill several lines."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    text = " ".join(str(error).split())
    if "timed out" in text:
        return "timed out"
    return text if len(text) <= 80 else type(error).__name__


def _unpack(content: bytes) -> bytes:
    # A server may have unpacked the archive on the way, as a content encoding.
    if not content.startswith(b"\x1f\x8b"):
        return content
    with gzip.open(io.BytesIO(content)) as archive:
        return archive.read(MAX_BYTES)


def _write_atomically(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, since a move is atomic only within one file system.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as folder:
            part = Path(folder) / path.name
            part.write_bytes(content)
            os.replace(part, path)
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be written ({error.strerror}). Free or open up that folder, or put MNIST "
            "elsewhere and name its folder by folder= or by JAXDIGITS_DATA."
        ) from error


class _BoundedBuffer(io.BytesIO):
    """Memory that refuses a download which lasts too long or grows too large.

    A timeout of the connection alone is met by a server that sends a few bytes now and then.
    """

    def __init__(self, time_limit: float) -> None:
        super().__init__()
        self._time_limit = time_limit
        self._started = time.monotonic()

    def write(self, chunk: ReadableBuffer, /) -> int:
        """Keep a chunk if it is within the limits."""
        if time.monotonic() - self._started > self._time_limit:
            raise TimeoutError(f"not done after {self._time_limit:g} s")
        if self.tell() > MAX_BYTES:
            raise OSError(f"more than {MAX_BYTES} bytes")
        return super().write(chunk)
