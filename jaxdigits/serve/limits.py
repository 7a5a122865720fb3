"""How much of anything the server takes from one client, or from all."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds beyond which a request is refused.

    Parameters
    ----------
    body_bytes : int, default=20 MiB
        Of a request: a phone's largest photos have less.
    json_bytes : int, default=256 KiB
        Of a JSON body, ten times what 784 numbers take.
    held_bytes : int, default=256 MiB
        Of all bodies that are being received or wait for their turn.
    n_files : int, default=16
        In one request.
    n_pixels : int, default=50 million
        Of all pictures of one request, checked before any is decoded.
    n_waiting : int, default=256
        Requests that wait for a turn of the model.
    n_waiting_long : int, default=16
        Pages and large pictures that wait for theirs: they take up to seconds each.
    n_connections : int, default=512
        Open at once.
    header_seconds : float, default=10
        From the opening of a connection, or the last answer on it, to the end of the next request's headers.
    idle_seconds : float, default=10
        Without a byte while a body is received or an answer is taken.
    body_seconds : float, default=60
        For a whole body.
    stop_seconds : float, default=20
        For the requests that are under way when the server is told to stop.

    Examples
    --------
    >>> from jaxdigits.serve.limits import Limits
    >>> Limits(n_files=2).n_files
    2
    """

    body_bytes: int = 20 * MEBIBYTE
    json_bytes: int = MEBIBYTE // 4
    held_bytes: int = 256 * MEBIBYTE
    n_files: int = 16
    n_pixels: int = 50_000_000
    n_waiting: int = 256
    n_waiting_long: int = 16
    n_connections: int = 512
    header_seconds: float = 10.0
    idle_seconds: float = 10.0
    body_seconds: float = 60.0
    stop_seconds: float = 20.0
