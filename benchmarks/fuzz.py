"""Malformed and hostile requests from a seed: mutated pictures, JSON and forms, odd heads, split and slow bodies.

    python -m benchmarks.fuzz 8000 --requests 20000

attacks a server on this machine, and tells every answer that is not a reading or a refusal in the documented form.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image, ImageDraw

__all__ = ["attack", "main"]

PREDICT, READ = "/api/v1/predict", "/api/v1/read"
EVERY = 25
"""After so many hostile requests a good one is sent, which must be answered."""

Request = tuple[str, str, dict[str, str], bytes]
"""Method, path, headers, body."""

NUMBERS = ("0", "-1", "255", "256", "1e5", "NaN", "Infinity", "1e999", "null", "true", '"7"', "[]", "{}", "9" * 400)
TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/x-eps",
    "text/html",
    "application/pdf",
    "",
    'a/b; c="',
    "image/*",
)


def draw_seven(form: str, generator: random.Random) -> bytes:
    """Draw a 7 in some size and format.

    Parameters
    ----------
    form : str
        Pillow's name of the format.
    generator : random.Random
        Chooses the size.

    Returns
    -------
    bytes
    """
    scale = generator.choice((1, 2, 4))
    picture = Image.new("L", (28 * scale, 28 * scale), 255)
    ImageDraw.Draw(picture).line([(scale * x, scale * y) for x, y in ((8, 7), (20, 7), (12, 23))], 0, 2 * scale)
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def _mutate(content: bytes, generator: random.Random) -> bytes:
    """Flip, cut out, repeat or insert bytes, or cut off the end."""
    changed = bytearray(content)
    for _ in range(generator.choice((1, 1, 2, 5, 20))):
        if not changed:
            break
        at, length = generator.randrange(len(changed)), generator.choice((1, 1, 4, 30))
        way = generator.randrange(5)
        if way == 0:
            changed[at] = generator.randrange(256)
        elif way == 1:
            del changed[at : at + length]
        elif way == 2:
            changed[at:at] = changed[at : at + length] * generator.choice((1, 3, 50))
        elif way == 3:
            changed[at : at + length] = generator.randbytes(length)
        else:
            del changed[at:]
    return bytes(changed)


def _picture(generator: random.Random) -> Request:
    content = draw_seven(generator.choice(("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")), generator)
    kind = generator.choice(TYPES) if generator.random() < 0.2 else "image/png"
    headers = {"content-type": kind} if kind else {}
    return "POST", generator.choice((PREDICT, PREDICT, READ)), headers, _mutate(content, generator)


def _pixels(generator: random.Random) -> Request:
    body = json.dumps({"pixels": [generator.randrange(256) for _ in range(784)]})
    way = generator.randrange(4)
    if way == 0:
        body = f"[{','.join(generator.choice(NUMBERS) for _ in range(generator.choice((1, 28, 784))))}]"
    elif way == 1:
        body = generator.choice(("[" * 5000, "{" * 5000, '{"pixels":' * 900, "", "null", "[[[]]]", "\x00", '"a"'))
    content = body.encode() if way == 2 else _mutate(body.encode(), generator)
    return "POST", generator.choice((PREDICT, READ)), {"content-type": "application/json"}, content


def _form(generator: random.Random) -> Request:
    parts = []
    for _ in range(generator.choice((0, 1, 2, 3, 17, 40))):
        name = generator.choice(("file", "file", "file", "other", "", 'f"ile', "file\r\nx: y"))
        kind = generator.choice(("image/png", "image/png", "text/plain", ""))
        file = generator.choice(("a.png", "../a", ""))
        parts.append(
            f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
            f"Content-Type: {kind}\r\n\r\n".encode()
            + draw_seven("PNG", generator)
            + b"\r\n"
        )
    body = b"".join(parts) + b"--b--\r\n"
    boundary = generator.choice(("b", "b", "b", "b", "", "x" * 300, '"b"', "c"))
    body = body if generator.random() < 0.3 else _mutate(body, generator)
    return (
        "POST",
        generator.choice((PREDICT, READ)),
        {"content-type": f"multipart/form-data; boundary={boundary}"},
        body,
    )


def _head(generator: random.Random) -> Request:
    method = generator.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"))
    path = generator.choice(
        (
            "/",
            PREDICT,
            READ,
            "/static/../../etc/passwd",
            "/%00",
            "/%ff",
            "//",
            "/healthz?" + "a" * 5000,
            "/a b",
            "*",
            "x",
        )
    )
    headers = {
        generator.choice(
            ("content-length", "x-a", "transfer-encoding", "expect", "range", "content-type")
        ): generator.choice(
            ("-1", "1e9", "99999999999999999999", "chunked", "100-continue", "identity", "a" * 3000, "", "7")
        )
    }
    return method, path, headers, generator.choice((b"", b"x", b"0\r\n\r\n", generator.randbytes(200)))


KINDS: dict[str, Callable[[random.Random], Request]] = {
    "picture": _picture,
    "pixels": _pixels,
    "form": _form,
    "head": _head,
}


def attack(port: int, n_requests: int, *, seed: int = 0) -> dict[str, Any]:
    """Send hostile requests to a server on this machine, good ones in between.

    Parameters
    ----------
    port : int
        Where it listens.
    n_requests : int
        How many hostile ones.
    seed : int, default=0
        Of what is sent.

    Returns
    -------
    dict
        ``requests``, ``statuses`` (how often each was answered, as text), ``good`` (requests in between that were
        answered well), ``silent`` (closed without an answer because the request never ended) and ``problems``.
    """
    generator = random.Random(seed)
    good = _write("POST", PREDICT, {"content-type": "image/png"}, draw_seven("PNG", random.Random(0)))
    statuses: Counter[str] = Counter()
    problems: list[str] = []
    n_good = n_silent = 0
    for number in range(n_requests):
        name = generator.choice(list(KINDS))
        request = KINDS[name](generator)
        answer = _exchange(port, _write(*request), generator)
        n_silent += answer == b""
        status, problem = _judge(answer)
        if status == "none" and _is_whole(*request[2:]):
            problem = "no answer"
        statuses[status] += 1
        if problem:
            problems.append(f"seed {seed}, request {number}, {name} {request[0]} {request[1]}: {problem}")
        if number % EVERY == 0:
            status, _ = _judge(_exchange(port, good, None))
            n_good += status == "200"
            if status != "200":
                problems.append(f"seed {seed}, good request after {number}: {status}")
    return {
        "requests": n_requests,
        "statuses": dict(sorted(statuses.items())),
        "good": n_good,
        "silent": n_silent,
        "problems": problems,
    }


def _write(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    given = {"host": "127.0.0.1", "connection": "close", **headers}
    if body and "content-length" not in given and "transfer-encoding" not in given:
        given["content-length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _exchange(port: int, request: bytes, generator: random.Random | None) -> bytes:
    """Send a request, at times in pieces or slowly, and take what comes until the server closes."""
    pieces = [request]
    if generator is not None and generator.random() < 0.1:
        at = sorted(generator.randrange(len(request) + 1) for _ in range(3))
        pieces = [request[a:b] for a, b in zip([0, *at], [*at, len(request)], strict=True)]
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                client.sendall(piece)
                if len(pieces) > 1:
                    time.sleep(0.002)
            client.shutdown(socket.SHUT_WR)  # no more will come, whatever the head promised
            while chunk := client.recv(65536):
                received += chunk
        except OSError:
            pass  # closed on us: what was received tells
    return received


def _is_whole(headers: dict[str, str], body: bytes) -> bool:
    """Tell whether a request ends where its head says.

    Who hangs up before that is owed no answer, and who goes on begins a broken second request, over which the
    connection may be lost before the first answer is read.
    """
    if headers.get("transfer-encoding") == "chunked":
        return body.endswith(b"0\r\n\r\n")
    promised = headers.get("content-length", "")
    return not promised.isdecimal() or len(body) == int(promised)


def _judge(answer: bytes) -> tuple[str, str]:
    """Return the status, and what is wrong with the answer; "" if nothing is."""
    if answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    if not answer:
        return "none", ""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split()
    status = words[1].decode("latin-1") if len(words) > 1 else "?"
    if status == "200":
        return status, ""
    if not status.startswith("4"):
        return status, f"status {status}: {body[:200]!r}"
    try:
        told, _ = json.JSONDecoder().raw_decode(body.decode())
    except ValueError:
        return status, f"no JSON: {body[:200]!r}"
    if set(told) != {"status", "error"} or str(told["status"]) != status or "\n" in told["error"]:
        return status, f"another form: {told!r}"
    return status, ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack a server and tell how it took it.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Words of the command line; None takes the program's own.

    Returns
    -------
    status : int
        0; 1 if an answer was wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int, help="of a server on this machine")
    parser.add_argument("--requests", type=int, default=20_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    found = attack(args.port, args.requests, seed=args.seed)
    json.dump(found, sys.stdout, indent=1)
    print()
    return 1 if found["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
