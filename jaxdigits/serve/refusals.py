"""What the server answers to what it can't use: a status and one plain sentence, always in the same form."""

from __future__ import annotations

import json
from http import HTTPStatus

from jaxdigits.errors import JaxDigitsError

__all__ = ["Refusal", "say"]


class Refusal(JaxDigitsError):
    """A request that is answered with a status of 400 or more.

    Parameters
    ----------
    status : int
        HTTP status.
    sentence : str
        What is wrong and what to do, in one line.
    retry_after : int or None, default=None
        Seconds after which it may go better.

    Examples
    --------
    >>> from jaxdigits.serve.refusals import Refusal
    >>> Refusal(415, "A text is no picture.").body
    b'{"status":415,"error":"A text is no picture."}'
    """

    def __init__(self, status: int, sentence: str, *, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after

    @property
    def body(self) -> bytes:
        """The answer as JSON."""
        return say(self.status, self.sentence)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with it, beside those that every answer has."""
        return {} if self.retry_after is None else {"retry-after": str(self.retry_after)}


def say(status: int, sentence: str = "") -> bytes:
    """Write an answer that is no reading.

    Parameters
    ----------
    status : int
        HTTP status.
    sentence : str, default=""
        What to say; without it, what the status is called.

    Returns
    -------
    bytes
        JSON with `status` and `error`.

    Examples
    --------
    >>> from jaxdigits.serve.refusals import say
    >>> say(404)
    b'{"status":404,"error":"Not Found."}'
    """
    words = " ".join(sentence.split()) or f"{HTTPStatus(status).phrase}."
    return json.dumps({"status": status, "error": words}, separators=(",", ":")).encode()
