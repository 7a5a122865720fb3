"""From the bytes of a request to what it holds: pictures, each with a name, or the pixels of one.

All of it stays in memory: Starlette's own form parser would write large files to disk.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from jaxdigits.serve.limits import Limits
from jaxdigits.serve.refusals import Refusal

__all__ = ["Held", "Upload", "media_type", "parse_uploads", "read_body"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# It would tell of every broken form on standard error; the client is told, and that is enough.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())

ANYTHING = ("", "application/octet-stream")
"""Types that say nothing: what it is shows its first bytes."""

LONGEST_NAME = 100


class Upload(NamedTuple):
    """One picture of a request."""

    name: str | None
    """What the client calls it."""
    content: bytes | NDArray[Any]
    """A file, or pixels."""


class Held:
    """Bytes of all bodies that are in memory, kept below a limit.

    Parameters
    ----------
    limit : int
        Most bytes.

    Examples
    --------
    >>> from jaxdigits.serve.bodies import Held
    >>> held = Held(100)
    >>> with held.share() as add:
    ...     add(60)
    ...     held.n_bytes
    60
    >>> held.n_bytes
    0
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.n_bytes = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """Count the bytes of one request for as long as it lasts.

        Yields
        ------
        callable
            Adds a number of bytes, or raises a `Refusal` if that would be too many.
        """
        taken = 0

        def add(n_bytes: int) -> None:
            nonlocal taken
            if self.n_bytes + n_bytes > self.limit:
                raise Refusal(503, "The server is busy with large pictures. Try again in a moment.", retry_after=2)
            self.n_bytes += n_bytes
            taken += n_bytes

        try:
            yield add
        finally:
            self.n_bytes -= taken


def media_type(headers: dict[bytes, bytes]) -> tuple[str, dict[bytes, bytes]]:
    """Read the Content-Type of a request.

    Parameters
    ----------
    headers : dict of bytes to bytes
        Names in small letters.

    Returns
    -------
    kind : str
        Such as "image/png"; "" if there is none.
    options : dict of bytes to bytes
        What follows it, such as the boundary of a form.

    Examples
    --------
    >>> from jaxdigits.serve.bodies import media_type
    >>> media_type({b"content-type": b"Image/PNG; name=a"})
    ('image/png', {b'name': b'a'})
    """
    kind, options = parse_options_header(headers.get(b"content-type"))
    return kind.decode("latin-1").strip().lower(), options


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], *, most: int, limits: Limits, add: Callable[[int], None]
) -> bytes:
    """Receive a body, and stop at once where it becomes too large or too slow.

    Parameters
    ----------
    receive : callable
        ASGI's.
    headers : dict of bytes to bytes
        Of the request.
    most : int
        Bytes that are taken.
    limits : Limits
        How slow it may be.
    add : callable
        Of `Held.share`.

    Returns
    -------
    bytes

    Raises
    ------
    Refusal
        413 if it is too large, before anything is read where its length is told; 408 if it is too slow; 503 if
        there is no room for it now.

    Examples
    --------
    >>> import asyncio
    >>> from jaxdigits.serve.bodies import Held, read_body
    >>> from jaxdigits.serve.limits import Limits
    >>> async def receive():
    ...     return {"type": "http.request", "body": b"1234", "more_body": False}
    >>> with Held(100).share() as add:
    ...     asyncio.run(read_body(receive, {}, most=10, limits=Limits(), add=add))
    b'1234'
    """
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(limits.idle_seconds) as clock:
            return await _join(receive, most, add, _Clock(clock, limits))
    except TimeoutError:
        raise Refusal(408, "The picture did not arrive in time. Try again, or send a smaller one.") from None


class _Clock:
    """Gives a body some time until its next byte, and some in all."""

    def __init__(self, clock: asyncio.Timeout, limits: Limits) -> None:
        self._clock, self._limits = clock, limits
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + limits.body_seconds

    def wind(self) -> None:
        self._clock.reschedule(min(self._time() + self._limits.idle_seconds, self._end))


async def _join(receive: Receive, most: int, add: Callable[[int], None], clock: _Clock) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The request broke off before its end. Send it again.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        add(len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if chunk:
            clock.wind()


def _too_large(most: int) -> Refusal:
    shown = f"{most / 2**20:g} MiB" if most >= 2**20 else f"{most / 2**10:g} KiB"
    return Refusal(413, f"The request is too large, expected at most {shown}. Reduce the picture, or send fewer.")


def parse_uploads(
    body: bytes, kind: str, options: dict[bytes, bytes], *, limits: Limits, takes_pixels: bool = True
) -> list[Upload]:
    """Take a body apart.

    Parameters
    ----------
    body : bytes
        Of the request.
    kind, options : str, dict
        Of `media_type`.
    limits : Limits
        How many files there may be.
    takes_pixels : bool, default=True
        Whether JSON is taken.

    Returns
    -------
    list of Upload
        At least one.

    Raises
    ------
    Refusal
        415 if it is of a type that is no picture; 400 if it is broken, empty, or holds too many files.

    Examples
    --------
    >>> from jaxdigits.serve.bodies import parse_uploads
    >>> from jaxdigits.serve.limits import Limits
    >>> parse_uploads(b"...", "image/png", {}, limits=Limits())
    [Upload(name=None, content=b'...')]
    """
    if kind == "multipart/form-data":
        return _parse_form(body, options.get(b"boundary", b""), limits)
    if kind == "application/json" and takes_pixels:
        return [Upload(None, _parse_pixels(body))]
    _check_kind(kind, "The body")
    if not body:
        raise Refusal(400, "The body is empty, expected a picture. Send the bytes of a PNG or a JPEG.")
    return [Upload(None, body)]


def _check_kind(kind: str, what: str) -> None:
    if kind not in ANYTHING and not kind.startswith("image/"):
        raise Refusal(415, f"{what} is of type {_plain(kind)}, expected a picture. Send a PNG or a JPEG.")


def _plain(text: str) -> str:
    """Make a client's words fit for one line of an answer."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 3]}..."


# ---- forms ----


class _Form:
    """Collects the parts of a form while it is parsed."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.uploads: list[Upload] = []
        self.ended = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._data: list[bytes] = []

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_name,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._data.append(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        if len(self.uploads) == self.limits.n_files:
            raise Refusal(
                400, f"Too many files, expected at most {self.limits.n_files}. Send them in several requests."
            )
        self._headers, self._data = {}, []

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != "file":
            raise Refusal(400, f"The form has a part named '{_plain(field)}', expected only parts named 'file'.")
        name = _plain(options.get(b"filename", b"").decode("utf-8", "replace")) or None
        what = f"File {len(self.uploads) + 1}"
        _check_kind(media_type(self._headers)[0], what)
        content = b"".join(self._data)
        if not content:
            raise Refusal(400, f"{what} is empty, expected a picture. Choose another.")
        self.uploads.append(Upload(name, content))

    def _finish(self) -> None:
        self.ended = True


def _parse_form(body: bytes, boundary: bytes, limits: Limits) -> list[Upload]:
    form = _Form(limits)
    try:
        # Its own checks of the boundary differ between versions.
        if not 1 <= len(boundary) <= 70:
            raise ValueError(boundary)
        MultipartParser(boundary, form.callbacks()).write(body)
    except (MultipartParseError, ValueError):
        raise Refusal(400, "The form is broken, expected multipart/form-data. Send it again.") from None
    if not form.ended:
        raise Refusal(400, "The form breaks off before its end. Send it again.")
    if not form.uploads:
        raise Refusal(400, "The form holds no file, expected parts named 'file'. Add a picture.")
    return form.uploads


# ---- pixels ----

WHITE = 255.0


def _parse_pixels(body: bytes) -> NDArray[Any]:
    try:
        values = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError is one of the first
        raise Refusal(400, 'The body is no valid JSON. Send numbers as [0, 0, ...] or {"pixels": [...]}.') from None
    if isinstance(values, dict):
        if set(values) != {"pixels"}:
            raise Refusal(400, "The JSON object must have the key 'pixels' and no other. Name the numbers 'pixels'.")
        values = values["pixels"]
    rows = values if isinstance(values, list) and len(values) == 28 else [values]
    flat = [value for row in rows if isinstance(row, list) for value in row]
    n_numbers = 28 if len(rows) == 28 else 784
    if not all(isinstance(row, list) and len(row) == n_numbers for row in rows):
        raise Refusal(400, "The pixels must be 28 rows of 28 numbers, or 784 numbers. Send the picture as a file.")
    if not set(map(type, flat)) <= {int, float}:
        raise Refusal(400, "The pixels must be numbers. Send 0 to 255, or 0 to 1.")
    low, high = min(flat), max(flat)
    if not 0 <= low <= high <= WHITE:
        raise Refusal(400, "The pixels must lie between 0 and 255, or between 0 and 1. Scale them.")
    levels = np.array(flat, np.float32).reshape(28, 28)
    # Levels of their own range, so that few, faint ones are not taken for 0 to 16.
    return levels if high <= 1 else np.rint(levels).astype(np.uint8) if high > 16 else levels / np.float32(WHITE)


def _refuse_constant(name: str) -> NoReturn:
    raise Refusal(400, f"The pixels must be finite, got {name}. Fill the gaps first.")
