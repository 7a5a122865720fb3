"""The work behind the page: from uploads to readings, in two lanes, so that a page does not keep a digit waiting."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxdigits.errors import InputError
from jaxdigits.serve.bodies import Upload
from jaxdigits.serve.lanes import Lane
from jaxdigits.serve.limits import Limits
from jaxdigits.serve.pictures import count_pixels
from jaxdigits.serve.refusals import Refusal

if TYPE_CHECKING:
    from jaxdigits.recognize import Digit, Reading, Recognizer

__all__ = ["Answer", "Readers"]

BATCH = 16
"""Requests that go through the model at once: from 16 on, a digit takes no less time (0.12 ms, 0.22 ms alone)."""

LARGE_BYTES = 2**18
LARGE_PIXELS = 10**6
"""What takes longer than this to decode goes with the pages."""


@dataclass
class Answer:
    """What was read in the pictures of one request.

    Parameters
    ----------
    results : list of dict
        One a picture, ready for JSON.
    seconds : dict
        Where the time went, for Server-Timing.
    """

    results: list[dict[str, Any]]
    seconds: dict[str, float]


@dataclass
class _Job:
    uploads: list[Upload]
    as_page: bool = False
    small_only: bool = False
    began: float = field(default_factory=time.perf_counter)


class _TooLarge(Exception):
    """The pictures belong to the other lane."""


class Readers:
    """Reads uploads off the event loop.

    Parameters
    ----------
    recognizer : Recognizer
        With a model that reads pictures.
    limits : Limits
        How many requests may wait, and how many pixels one may have.

    Examples
    --------
    >>> from jaxdigits.recognize import load_pretrained
    >>> from jaxdigits.serve.limits import Limits
    >>> from jaxdigits.serve.readers import Readers
    >>> readers = Readers(load_pretrained("small"), Limits())
    >>> readers.close()
    """

    def __init__(self, recognizer: Recognizer, limits: Limits) -> None:
        self._recognizer = recognizer
        self._limits = limits
        self._short: Lane[_Job, Answer] = Lane(self._work, limit=limits.n_waiting, batch=BATCH)
        self._long: Lane[_Job, Answer] = Lane(self._work, limit=limits.n_waiting_long)

    def close(self) -> None:
        """End the threads after what they have in work."""
        self._short.close()
        self._long.close()

    async def predict(self, uploads: list[Upload]) -> Answer:
        """Read pictures of one digit each.

        Parameters
        ----------
        uploads : list of Upload
            Files or pixels.

        Returns
        -------
        Answer

        Raises
        ------
        Refusal
            If one of them can't be read, or too many requests wait.
        """
        if len(uploads) > 1 or len(uploads[0].content) > LARGE_BYTES:
            return await self._long.run(_Job(uploads))
        job = _Job(uploads, small_only=True)
        try:
            return await self._short.run(job)
        except _TooLarge:
            job.small_only = False
            return await self._long.run(job)

    async def read(self, uploads: list[Upload]) -> Answer:
        """Read pages.

        Parameters
        ----------
        uploads : list of Upload
            Files.

        Returns
        -------
        Answer

        Raises
        ------
        Refusal
            If one of them can't be read, or too many requests wait.
        """
        return await self._long.run(_Job(uploads, as_page=True))

    async def warm_up(self) -> None:
        """Read a stroke once in each lane: what is imported late is there when the first request comes."""
        stroke = np.zeros((32, 32), np.uint8)
        stroke[8:24, 14:17] = 255
        await self.predict([Upload(None, stroke)])
        await self.read([Upload(None, stroke)])

    # ---- in the threads ----

    def _work(self, jobs: list[_Job]) -> Sequence[Answer | Exception]:
        if len(jobs) == 1 and jobs[0].as_page:
            return [self._read_pages(jobs[0])]
        started = time.perf_counter()
        prepared: list[Any] = []
        done: list[Any] = []  # an error, or how many pictures of `prepared` belong to the job
        for job in jobs:
            try:
                found = self._prepare(job)
            except (Refusal, _TooLarge) as error:
                done.append(_strip(error))
            else:
                prepared += found
                done.append(len(found))
        decoded = time.perf_counter()
        readings = iter(self._recognizer.read_prepared(prepared))
        finished = time.perf_counter()
        answers: list[Answer | Exception] = []
        for job, n_pictures in zip(jobs, done, strict=True):
            if isinstance(n_pictures, Exception):
                answers.append(n_pictures)
                continue
            results = [_describe_one(upload, next(readings)) for upload in job.uploads]
            seconds = {"wait": started - job.began, "decode": decoded - started, "model": finished - decoded}
            answers.append(Answer(results, seconds))
        return answers

    def _prepare(self, job: _Job) -> list[Any]:
        from jaxdigits.data.images import canonical_digit

        self._check(job)
        prepared = []
        for place, upload in enumerate(job.uploads, start=1):
            try:
                prepared.append(canonical_digit(upload.content))
            except InputError as error:
                raise _to_refusal(error, job, place) from error
        return prepared

    def _read_pages(self, job: _Job) -> Answer | Exception:
        started = time.perf_counter()
        results = []
        try:
            self._check(job)
            for place, upload in enumerate(job.uploads, start=1):
                try:
                    results.append(_describe_page(upload, self._recognizer.read_page(upload.content)))
                except InputError as error:
                    raise _to_refusal(error, job, place) from error
        except Refusal as refusal:
            return _strip(refusal)
        return Answer(results, {"wait": started - job.began, "read": time.perf_counter() - started})

    def _check(self, job: _Job) -> None:
        """Refuse what should not be decoded, all of it before any is."""
        n_pixels = 0
        for place, upload in enumerate(job.uploads, start=1):
            if not isinstance(upload.content, bytes):
                continue
            try:
                n_pixels += count_pixels(upload.content, most=self._limits.n_pixels)
            except Refusal as refusal:
                raise _with_place(refusal, job, place) from None
        if n_pixels > self._limits.n_pixels:
            raise Refusal(
                400,
                f"The pictures have more than {self._limits.n_pixels / 1e6:g} million pixels together. "
                "Send them in several requests.",
            )
        if job.small_only and n_pixels > LARGE_PIXELS:
            raise _TooLarge


def _strip(error: Refusal | _TooLarge) -> Refusal | _TooLarge:
    """Let go of the frames that an error came through.

    They hold the picture, and the list that holds the error: a circle, in which every refused picture would stay
    until Python's collector goes through everything, and that is thousands of requests later.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _with_place(refusal: Refusal, job: _Job, place: int) -> Refusal:
    """Tell which of several files is meant."""
    if len(job.uploads) == 1:
        return refusal
    return Refusal(refusal.status, f"File {place}: {refusal.sentence}")


def _to_refusal(error: InputError, job: _Job, place: int) -> Refusal:
    sentence = str(error)
    sentence = (
        f"The {sentence.replace('picture: cannot', 'picture cannot', 1)}" if sentence[:7] == "picture" else sentence
    )
    return _with_place(Refusal(400, sentence), job, place)


# ---- what is told of a reading ----


def _describe_one(upload: Upload, reading: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {"file": upload.name, "size": list(reading.size)}
    digit = reading.only
    if digit is None:
        nothing = dict.fromkeys(("digit", "probability", "probabilities", "not_a_digit", "box", "image"))
        return {**told, **nothing, "sure": False, "looks_like_digit": False, "diagnosis": reading.diagnosis.to_dict()}
    return {**told, **_describe_digit(digit)}


def _describe_page(upload: Upload, reading: Reading) -> dict[str, Any]:
    return {
        "file": upload.name,
        "size": list(reading.size),
        "text": reading.text,
        "lines": [[_describe_digit(digit) for digit in line] for line in reading.lines],
        "others": [_describe_digit(other) for other in reading.others],
        "sure": reading.sure,
        "angle": reading.angle,
        "diagnosis": reading.diagnosis.to_dict(),
    }


def _describe_digit(digit: Digit) -> dict[str, Any]:
    return {
        "digit": digit.label,
        "probability": round(digit.probability, 6),
        "probabilities": [round(share, 6) for share in digit.probabilities.tolist()],
        "not_a_digit": round(digit.not_a_digit, 6),
        "sure": digit.sure,
        "looks_like_digit": digit.looks_like_digit,
        "box": None if digit.box is None else list(digit.box),
        "image": base64.b64encode(np.rint(digit.image * 255).astype(np.uint8).tobytes()).decode(),
        "diagnosis": digit.diagnosis.to_dict(),
    }
