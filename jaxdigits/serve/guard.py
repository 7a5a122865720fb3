"""What holds for every answer: headers that keep a browser safe, timing, errors in one form, unread bodies let go."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from jaxdigits.serve.limits import Limits
from jaxdigits.serve.refusals import say

__all__ = ["HEADERS", "Guard"]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), microphone=()"),
]
"""On every answer."""

LINGER_SECONDS = 5.0
"""For how long a refused body is still let in: whoever sends it would not see the answer otherwise."""


UNASKED_SECONDS = 0.2
"""For how long a body is let in that a client has said it would not send unasked."""


class Guard:
    """Stands around an application.

    Parameters
    ----------
    app : callable
        ASGI.
    limits : Limits
        How much of a refused body is let in.

    Examples
    --------
    >>> from jaxdigits.serve.guard import Guard
    >>> from jaxdigits.serve.limits import Limits
    >>> Guard(None, Limits()).closing
    False
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.closing = False
        """Whether every answer is to be the last of its connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await _Exchange(self, scope, receive, send).run()
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


class _Exchange:
    """One request and its answer."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard, self.scope = guard, scope
        self._receive, self._send = receive, send
        self._began = time.perf_counter()
        self._started = False
        announced = (value for name, value in scope["headers"] if name in (b"content-length", b"transfer-encoding"))
        self._unread = any(value != b"0" for value in announced)

    async def run(self) -> None:
        try:
            await self.guard.app(self.scope, self.receive, self.send)
        except Exception as error:  # a mistake of ours: it is told here, without a word of what was sent
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
            print(f"jaxdigits: internal error: {type(error).__name__} at {place}", file=sys.stderr, flush=True)
            if not self._started:
                await self._fail()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            headers = [*message.get("headers", ()), *HEADERS]
            milliseconds = 1000 * (time.perf_counter() - self._began)
            headers.append((b"server-timing", b"total;dur=%.2f" % milliseconds))
            if self.guard.closing or self._unread:  # the rest of a refused body is no next request
                headers.append((b"connection", b"close"))
            await self._send({**message, "headers": headers})
        elif self._unread and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._send(message)

    async def _linger(self) -> None:
        """Let the rest of a body come in, unseen, for a while: closing at once would take the answer with it."""
        if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.scope["headers"]):
            # The client waits to be asked for its body, and reading on would ask. Some send it all the same, at once.
            await asyncio.sleep(UNASKED_SECONDS)
            return
        left = 4 * self.guard.limits.body_bytes
        try:
            async with asyncio.timeout(min(LINGER_SECONDS, self.guard.limits.idle_seconds)):
                while self._unread and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass

    async def _fail(self) -> None:
        body = say(500, "The server made a mistake. It is not your picture's fault.")
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
