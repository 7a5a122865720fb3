"""An HTTP client that keeps connections busy, for `benchmarks.bench_serve`; it runs in a process of its own.

    echo '{"port": 8000, "path": "/", "kind": "image/png", "bodies": [...], ...}' | python -m benchmarks.serve_client

Each connection sends its next request when the last is answered (a closed loop), and takes the time from the first byte
sent to the last received; where the server closes after each answer, it is opened anew. Written on bare asyncio: a
comfortable client takes more of the machine than the server.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from typing import Any

__all__ = ["load"]


class _Connection(asyncio.Protocol):
    """One connection in a closed loop."""

    def __init__(self, port: int, requests: list[bytes], start: int, record: _Record) -> None:
        self._port, self._requests, self._next, self._record = port, requests, start, record
        self._received = b""
        self._expected = -1
        self._is_last = False
        self._sent = 0.0
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._expected < 0:
            head, found, _ = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            lowered = head.lower()
            length = lowered.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self._expected = len(head) + 4 + int(length)
            self._is_last = b"\r\nconnection: close" in lowered
            self._record.keep(int(head[9:12]))
        if len(self._received) < self._expected:
            return
        now = time.perf_counter()
        if now >= self._record.began:
            self._record.latencies.append(now - self._sent)
        self._received, self._expected = b"", -1
        if now < self._record.ends and self._record.left != 0 and not self._is_last:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_last and time.perf_counter() < self._record.ends and self._record.left != 0:
            self._is_last = False
            self._opening = asyncio.ensure_future(self.open())
            return
        if self._received or self._expected >= 0 or exc is not None or time.perf_counter() < self._record.ends:
            self._record.broken += self._record.left != 0
        if not self.closed.done():
            self.closed.set_result(None)

    async def open(self) -> None:
        """Connect; the first request goes out at once."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        except OSError as error:
            self.connection_lost(error)

    def _send(self) -> None:
        if self._record.left is not None:
            self._record.left -= 1
        request = self._requests[self._next % len(self._requests)]
        self._next += 1
        self._sent = time.perf_counter()
        self._transport.write(request)


class _Record:
    """What all connections saw."""

    def __init__(self, warm_up: float, seconds: float, count: int | None) -> None:
        self.began = time.perf_counter() + warm_up
        self.ends = self.began + seconds
        self.left = count
        self.latencies: list[float] = []
        self.statuses: dict[int, int] = {}
        self.broken = 0

    def keep(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1


async def load(task: dict[str, Any]) -> dict[str, Any]:
    """Load a server.

    Parameters
    ----------
    task : dict
        ``port``, ``path``, ``kind`` (the Content-Type), ``bodies`` (in base64), ``connections``, ``seconds``,
        ``warm_up`` (seconds that do not count) and ``count`` (requests to send in all, or None).

    Returns
    -------
    dict
        ``seconds`` that were measured, sorted ``latencies`` in seconds, ``statuses`` and ``broken`` connections.
    """
    bodies = [base64.b64decode(body) for body in task["bodies"]]
    head = f"POST {task['path']} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {task['kind']}\r\ncontent-length: "
    requests = [head.encode() + b"%d\r\n\r\n" % len(body) + body for body in bodies]
    record = _Record(task["warm_up"], task["seconds"], task.get("count"))
    connections = [_Connection(task["port"], requests, 7 * place, record) for place in range(task["connections"])]
    for connection in connections:
        await connection.open()
    await asyncio.gather(*(connection.closed for connection in connections))
    seconds = min(time.perf_counter(), record.ends) - record.began
    return {
        "seconds": seconds,
        "latencies": sorted(record.latencies),
        "statuses": record.statuses,
        "broken": record.broken,
    }


if __name__ == "__main__":
    json.dump(asyncio.run(load(json.load(sys.stdin))), sys.stdout)
