"""uvicorn with what it lacks: a clock for slow clients, errors in our form, and an end that loses no request."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jaxdigits.errors import InputError
from jaxdigits.serve.guard import HEADERS, LINGER_SECONDS, Guard
from jaxdigits.serve.limits import Limits
from jaxdigits.serve.refusals import say

__all__ = ["bind", "is_loopback", "make_server", "name_address"]

BACKLOG = 1024

LAST_CALL_SECONDS = 0.4
"""For how long connections are still taken after the signal to stop, each for one answer: its sender knew nothing."""

HIGHEST_PORT = 65535

BROKE_OFF = "The request broke off before its end. Send it again."

HEAD_BYTES = 2**16
"""Of a request's line and headers; the parser itself would take any number."""


def bind(host: str, port: int) -> socket.socket:
    """Open the socket of a server.

    Parameters
    ----------
    host : str
        A name or address of this machine.
    port : int
        0 takes any that is free.

    Returns
    -------
    socket.socket
        Bound, not listening yet.

    Raises
    ------
    InputError
        If it can't be had.

    Examples
    --------
    >>> from jaxdigits.serve.server import bind, name_address
    >>> with bind("127.0.0.1", 0) as opened:
    ...     name_address(opened)
    'http://127.0.0.1:...'
    """
    if not 0 <= port <= HIGHEST_PORT:
        raise InputError(f"port must be an int from 0 to {HIGHEST_PORT}, got {port}. Use 8000.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise InputError(
            f"host must be a name or an address of this machine, got {host!r}. Use 127.0.0.1, or 0.0.0.0 for all."
        ) from None
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"port {port} of {host} can't be had: {reason}. Name another, such as --port 8001.") from error
    opened.setblocking(False)
    return opened


def is_loopback(opened: socket.socket) -> bool:
    """Tell whether a socket can be reached from this machine alone.

    Parameters
    ----------
    opened : socket.socket
        Of `bind`.

    Returns
    -------
    bool

    Examples
    --------
    >>> from jaxdigits.serve.server import bind, is_loopback
    >>> with bind("127.0.0.1", 0) as opened:
    ...     is_loopback(opened)
    True
    """
    return ipaddress.ip_address(opened.getsockname()[0].partition("%")[0]).is_loopback


def name_address(opened: socket.socket) -> str:
    """Write the address of a server as a browser takes it.

    Parameters
    ----------
    opened : socket.socket
        Of `bind`.

    Returns
    -------
    str

    Examples
    --------
    >>> from jaxdigits.serve.server import bind, name_address
    >>> with bind("127.0.0.1", 0) as opened:
    ...     name_address(opened).startswith("http://127.0.0.1:")
    True
    """
    host, port = opened.getsockname()[:2]
    if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
        host = _find_own_address(opened.family) or host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _find_own_address(family: int) -> str | None:
    """Find the address by which others reach this machine; connecting without a stream sends nothing."""
    far = ("2001:db8::1", 9) if family == socket.AF_INET6 else ("192.0.2.1", 9)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect(far)
            return str(asked.getsockname()[0])
    except OSError:
        return None


def make_server(app: Guard, opened: socket.socket, *, on_start: Callable[[], object] | None = None) -> _Server:
    """Make a server; its ``run()`` returns when it was told to stop and has answered what it had accepted.

    Parameters
    ----------
    app : Guard
        Of `jaxdigits.serve.app.make_app`.
    opened : socket.socket
        Of `bind`.
    on_start : callable or None, default=None
        Called once it answers.

    Returns
    -------
    uvicorn.Server
        It stops at SIGINT and SIGTERM, or once its ``should_exit`` is set.

    Examples
    --------
    >>> import threading
    >>> from jaxdigits.recognize import load_pretrained
    >>> from jaxdigits.serve.app import make_app
    >>> from jaxdigits.serve.server import bind, make_server
    >>> app = make_app(load_pretrained("small"), name="small")
    >>> server = make_server(app, bind("127.0.0.1", 0), on_start=lambda: setattr(server, "should_exit", True))
    >>> server.run()
    """
    return _Server(app, opened, on_start)


class _Server(uvicorn.Server):
    def __init__(self, app: Guard, opened: socket.socket, on_start: Callable[[], object] | None) -> None:
        limits = app.limits
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=_make_protocol(limits),
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            proxy_headers=False,
            timeout_keep_alive=round(limits.header_seconds),
            timeout_graceful_shutdown=round(limits.stop_seconds),
        )
        super().__init__(config)
        self._guard, self._opened, self._on_start = app, opened, on_start

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super()._serve([self._opened] if sockets is None else sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_start is not None:
            self._on_start()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                if isinstance(connection, _Protocol):
                    connection.check_clock(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Every answer is now the last of its connection, so that none is idle when the rest is closed.
        self._guard.closing = True
        await asyncio.sleep(LAST_CALL_SECONDS)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at signals, and return in peace: uvicorn's own would raise the signal again at the end."""
        kept: dict[int, Any] = {}
        with contextlib.suppress(ValueError):  # signals come to the main thread alone
            for number in (signal.SIGINT, signal.SIGTERM):
                kept[number] = signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for each, handler in kept.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.force_exit or (self.should_exit and sig == signal.SIGINT)
        self.should_exit = True
        del frame


class _Protocol(HttpToolsProtocol):
    """One connection."""

    limits = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.waiting_since = time.monotonic()
        self.stalled: tuple[int, float] = (0, 0.0)
        self.head_bytes = 0
        self.ending = False
        if len(self.connections) > self.limits.n_connections:
            self._answer(503, "Too many connections are open. Try again in a moment.", b"retry-after: 2\r\n")

    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        super().data_received(data)
        if self._is_between() and not self.ending:
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES:
                self._answer(431, f"The headers are too large, expected at most {HEAD_BYTES // 2**10} KiB.")

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a client that has said all it had to say, though it sends no more."""
        if self.ending:
            return None
        if self._is_between():
            if not self.head_bytes:
                return None
            self._answer(400, BROKE_OFF)
            self.transport.close()
            return None
        self.cycle.keep_alive = False
        if self.cycle.more_body and not self.cycle.response_started:
            self._answer(400, BROKE_OFF)
            self.transport.close()
        return True

    def on_headers_complete(self) -> None:
        self.head_bytes = 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self.waiting_since = time.monotonic()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self._answer(400, msg if msg.endswith(".") else f"{msg}.")

    def check_clock(self, now: float) -> None:
        """Close a connection whose client is too slow: to ask, or to take its answer. Bodies have a clock of theirs."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self.stalled[0]:
            self.stalled = (unsent, now)
        if unsent and now - self.stalled[1] > self.limits.idle_seconds:
            self.transport.abort()
        elif (
            self._is_between()
            and now - self.waiting_since > self.limits.header_seconds
            and not (self.ending or self.transport.is_closing())
        ):
            self._answer(408, "The request did not arrive in time. Send it again.")

    def _is_between(self) -> bool:
        """Whether the next request is waited for, or a refused body lingers on."""
        return self.cycle is None or self.cycle.response_complete

    def _answer(self, status: int, sentence: str, more: bytes = b"") -> None:
        """Answer without the application, and close soon: at once, what still comes in would take the answer away."""
        self.ending = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what the application still says has nowhere to go
            self.cycle.message_event.set()
        body = say(status, sentence)
        lines = [b"%b: %b\r\n" % header for header in HEADERS]
        self.transport.write(
            b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
            % (status, len(body))
            + b"".join(lines)
            + more
            + b"\r\n"
            + body
        )
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


def _make_protocol(limits: Limits) -> type[_Protocol]:
    return type("_LimitedProtocol", (_Protocol,), {"limits": limits})
